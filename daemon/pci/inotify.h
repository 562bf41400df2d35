// The kernel's inotify on the event loop.
#pragma once

#include <sys/inotify.h>

#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>

#include "common/base/event.h"
#include "common/base/fd.h"

namespace nvccd {

// Not sd_event_add_inotify(): that opens what it watches, and older kernels report the closing of it.
class Inotify {
 public:
  // Called on the loop, before results of workers that ran at the time of the event: so what workers did
  // themselves can be told from what others did.
  using Handler = std::function<void(const inotify_event&)>;
  // Errors here are errno.
  static std::expected<std::unique_ptr<Inotify>, int> create(sd_event* event, Handler handler);

  Inotify(const Inotify&) = delete;
  Inotify& operator=(const Inotify&) = delete;

  // The descriptor of the watch; for a path that is watched already that of the first watch.
  std::expected<int, int> add(const std::filesystem::path& path, std::uint32_t mask);
  void remove(int watch) { (void)::inotify_rm_watch(fd_.get(), watch); }

 private:
  Inotify(UniqueFd fd, Handler handler) : fd_(std::move(fd)), handler_(std::move(handler)) {}
  void on_event();

  UniqueFd fd_;
  Handler handler_;
  EventSourcePtr source_;
};

}  // namespace nvccd
