#include "kubernetes/device-plugin/plugin.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cerrno>
#include <ranges>
#include <utility>

#include "common/base/service_loop.h"
#include "kubernetes/device-plugin/advertisement_files.h"
#include "kubernetes/device-plugin/change_log.h"
#include "kubernetes/device-plugin/registration.h"
#include "kubernetes/device-plugin/socket_name.h"

namespace nvccd::kubernetes {
namespace {

using namespace std::chrono_literals;

// For attempts to register, which have been cancelled by then.
constexpr Duration patience_at_end = 5s;

// What a plugin left behind that was killed.
void remove_stale_sockets(const std::filesystem::path& directory) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(socket_prefix) || !name.ends_with(".sock")) continue;
    if (entry.symlink_status(error).type() == std::filesystem::file_type::socket)
      std::filesystem::remove(entry.path(), error);
  }
}

bool is_open_as(const std::filesystem::path& path, const UniqueFd& fd) {
  struct stat at_path{}, open{};
  return ::stat(path.c_str(), &at_path) == 0 && ::fstat(fd.get(), &open) == 0 &&
         at_path.st_dev == open.st_dev && at_path.st_ino == open.st_ino;
}

// A directory that was made anew is not the one that the sandbox of a service lets us write to, and never
// will be: only a new process gets a new sandbox.
Result<> check_writable(const std::filesystem::path& directory) {
  if (::access(directory.c_str(), W_OK | X_OK) == 0) return {};
  Error error = system_error(directory.string() + " was made anew and cannot be written to", errno);
  error.advice = "start nvccd-device-plugin again, as systemd does by itself";
  return std::unexpected(std::move(error));
}

}  // namespace

Result<std::unique_ptr<Plugin>> Plugin::create(const Options& options) {
  std::unique_ptr<Plugin> plugin(new Plugin(options));
  if (auto ready = plugin->set_up(); !ready) return std::unexpected(ready.error());
  return plugin;
}

Plugin::~Plugin() {
  (void)sd_notify(0, "STOPPING=1");
  endpoints_.clear();
  if (scheduler_) (void)scheduler_->wait_for_workers(patience_at_end);
}

Result<> Plugin::set_up() {
  auto loop = new_service_loop();
  if (!loop) return std::unexpected(loop.error());
  event_ = *std::move(loop);
  sd_event* const event = event_.get();
  auto scheduler = EventScheduler::create(event);
  if (!scheduler) return std::unexpected(scheduler.error());
  scheduler_ = *std::move(scheduler);

  context_ = {.event = event,
              .scheduler = scheduler_.get(),
              .kubelet_dir = options_.kubelet_dir,
              .read = [state_file = options_.state_file, withdraw_file = options_.withdraw_file] {
                return read_advertisement(state_file, withdraw_file);
              }};
  struct Watched {
    std::unique_ptr<PathWatch>& watch;
    std::filesystem::path path;
    PathWatch::Handler handler;
  };
  for (auto& [watch, path, handler] :
       {Watched{state_watch_, options_.state_file, [this](PathEvent) { update(); }},
        Watched{withdraw_watch_, options_.withdraw_file, [this](PathEvent) { update(); }},
        Watched{kubelet_watch_, options_.kubelet_dir / kubelet_socket_name, [this](PathEvent what) {
                  if (what == PathEvent::appeared) kubelet_appeared();
                }}}) {
    auto created = PathWatch::create(event, path, handler);
    if (!created) return std::unexpected(created.error());
    watch = *std::move(created);
  }
  if (std::filesystem::exists(options_.kubelet_dir))
    if (auto owned = own_directory(); !owned) return owned;
  update();
  return {};
}

// Makes sure that no other plugin of this kind serves the kubelet.
Result<> Plugin::own_directory() {
  if (directory_ && is_open_as(options_.kubelet_dir, directory_)) return {};
  UniqueFd directory(::open(options_.kubelet_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return std::unexpected(system_error("cannot open " + options_.kubelet_dir.string(), errno));
  if (::flock(directory.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK)
      return std::unexpected(system_error("cannot lock " + options_.kubelet_dir.string(), errno));
    return std::unexpected(
        Error{.cause = "another nvccd-device-plugin serves " + options_.kubelet_dir.string(),
              .advice = "run it either as a service of the host or in a pod, not both"});
  }
  directory_ = std::move(directory);
  remove_stale_sockets(options_.kubelet_dir);
  return {};
}

Result<> Plugin::run() {
  (void)sd_notify(0, "READY=1");
  if (const int r = sd_event_loop(event_.get()); r != EXIT_SUCCESS)
    return std::unexpected(Error{.cause = "the event loop failed"});
  return {};
}

void Plugin::kubelet_appeared() {
  const bool made_anew = directory_ && !is_open_as(options_.kubelet_dir, directory_);
  auto usable = own_directory();
  if (usable && made_anew) usable = check_writable(options_.kubelet_dir);
  if (!usable) {
    spdlog::error("{}", usable.error().message());
    (void)sd_event_exit(event_.get(), EXIT_FAILURE);
    return;
  }
  for (const auto& endpoint : endpoints_ | std::views::values)
    endpoint->kubelet_appeared();
}

void Plugin::update() {
  auto now = context_.read();
  if (!now) {
    // Probably nvccd is being restarted. What exists still exists, so the capacity of the node stays.
    spdlog::warn("{}", now.error().message());
    now = advertised_;
    withdraw(*now, "nvccd does not run");
  }
  log_changes(advertised_, *now);
  advertised_ = *std::move(now);

  for (const auto& [resource, endpoint] : endpoints_)
    if (!advertised_.resources.contains(resource)) endpoint->publish({});
  std::erase_if(endpoints_, [&](const auto& entry) { return !advertised_.resources.contains(entry.first); });
  for (const auto& [resource, units] : advertised_.resources)
    serve(resource, units);
}

void Plugin::serve(const std::string& resource, const Units& units) {
  if (const auto known = endpoints_.find(resource); known != endpoints_.end())
    return known->second->publish(units);
  auto endpoint = Endpoint::create(context_, resource, units);
  if (endpoint)
    endpoints_.emplace(resource, *std::move(endpoint));
  else
    spdlog::error("{} is not served: {}", resource, endpoint.error().message());
}

}  // namespace nvccd::kubernetes
