#include "kubernetes/device-plugin/path_watch.h"

#include <spdlog/spdlog.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

namespace nvccd::kubernetes {
namespace {

constexpr std::uint32_t name_changed = IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM;
constexpr std::uint32_t directory_events = name_changed | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF;
constexpr std::uint32_t directory_lost =
    IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT | IN_Q_OVERFLOW;

bool directory_exists(const std::filesystem::path& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

Result<std::unique_ptr<PathWatch>> PathWatch::create(sd_event* event, std::filesystem::path path,
                                                     Handler handler) {
  std::unique_ptr<PathWatch> watch(new PathWatch(event, std::move(path), std::move(handler)));
  if (auto watching = watch->watch_nearest(); !watching) return std::unexpected(watching.error());
  return watch;
}

PathWatch::PathWatch(sd_event* event, std::filesystem::path path, Handler handler)
    : event_(share(event)), path_(path.lexically_normal()), handler_(std::move(handler)) {}

bool PathWatch::exists() const {
  struct stat status{};
  return ::lstat(path_.c_str(), &status) == 0;
}

template <auto handler>
int PathWatch::add_source(EventSourcePtr& source, const std::filesystem::path& directory,
                          std::uint32_t events) {
  return sd_event_add_inotify(event_.get(), out(source), directory.c_str(), events | IN_ONLYDIR,
                              callback<handler>, this);
}

// Watches the nearest directory above the path that exists.
Result<> PathWatch::watch_nearest() {
  int error = 0;
  for (awaited_ = path_; awaited_.has_relative_path();) {
    const auto directory = awaited_.parent_path();
    error = add_source<&PathWatch::on_parent_event>(parent_source_, directory.parent_path(), name_changed);
    if (error >= 0) error = add_source<&PathWatch::on_event>(source_, directory, directory_events);
    if (error == -ENOENT || error == -ENOTDIR) {
      awaited_ = directory;
      continue;
    }
    if (error < 0) break;
    if (awaited_ == path_ || !directory_exists(awaited_)) return {};
    awaited_ = path_;  // it came into being just before it was watched
  }
  return std::unexpected(system_error("cannot watch " + path_.string(), -error));
}

// Nobody may go on without seeing anything.
int PathWatch::give_up(const Error& error) {
  spdlog::error("{}", error.message());
  return sd_event_exit(event_.get(), EXIT_FAILURE);
}

int PathWatch::directories_changed() {
  if (auto watching = watch_nearest(); !watching) return give_up(watching.error());
  handler_(exists() ? PathEvent::appeared : PathEvent::gone);
  return 0;
}

int PathWatch::on_parent_event(sd_event_source*, const inotify_event* event) {
  const bool concerns_us = event->len > 0 && awaited_.parent_path().filename() == event->name;
  return concerns_us ? directories_changed() : 0;
}

int PathWatch::on_event(sd_event_source*, const inotify_event* event) {
  if ((event->mask & directory_lost) != 0) return directories_changed();
  if (event->len == 0 || awaited_.filename() != event->name) return 0;
  if (awaited_ != path_) return directories_changed();
  if ((event->mask & (IN_DELETE | IN_MOVED_FROM)) != 0)
    handler_(PathEvent::gone);
  else if ((event->mask & (IN_CREATE | IN_MOVED_TO)) != 0)
    handler_(PathEvent::appeared);
  else
    handler_(PathEvent::written);
  return 0;
}

}  // namespace nvccd::kubernetes
