#include "kubernetes/state/path_watch.h"

#include <spdlog/spdlog.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

namespace nvccd::kubernetes {
namespace {

constexpr std::uint32_t watched_events = IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE |
                                         IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
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

// Watches the nearest directory above the path that exists.
Result<> PathWatch::watch_nearest() {
  int error = 0;
  for (awaited_ = path_; awaited_.has_relative_path();) {
    source_.reset();
    sd_event_source* source = nullptr;
    error = sd_event_add_inotify(event_.get(), &source, awaited_.parent_path().c_str(), watched_events,
                                 on_event, this);
    if (error < 0) {
      if (error != -ENOENT && error != -ENOTDIR) break;
      awaited_ = awaited_.parent_path();
      continue;
    }
    source_.reset(source);
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

int PathWatch::on_event(sd_event_source*, const inotify_event* event, void* self) {
  auto& watch = *static_cast<PathWatch*>(self);
  const bool lost = (event->mask & directory_lost) != 0;
  const bool concerns_us = event->len > 0 && watch.awaited_.filename() == event->name;
  if (!lost && !concerns_us) return 0;
  if (lost || watch.awaited_ != watch.path_) {
    // Which of the directories exist has changed.
    if (auto watching = watch.watch_nearest(); !watching) return watch.give_up(watching.error());
    watch.handler_(watch.exists() ? PathEvent::appeared : PathEvent::gone);
    return 0;
  }
  if ((event->mask & (IN_DELETE | IN_MOVED_FROM)) != 0)
    watch.handler_(PathEvent::gone);
  else if ((event->mask & (IN_CREATE | IN_MOVED_TO)) != 0)
    watch.handler_(PathEvent::appeared);
  else
    watch.handler_(PathEvent::written);
  return 0;
}

}  // namespace nvccd::kubernetes
