// Learns by inotify what happens to one path, whether or not it exists, or its directory does.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>

#include "common/base/event.h"
#include "common/model/error.h"

namespace nvccd::kubernetes {

enum class PathEvent {
  appeared,  // created or moved to the path
  written,   // closed by somebody who had it open for writing
  gone,      // removed, moved away, or its directory was
};

class PathWatch {
 public:
  // Runs on the event loop. Several events may be told as one; a handler that needs to know how things are
  // now looks at the path. The handler may destroy the watch.
  using Handler = std::function<void(PathEvent)>;

  // `path` is absolute. Errors: inotify cannot be used. If that happens later, the loop ends with
  // EXIT_FAILURE.
  static Result<std::unique_ptr<PathWatch>> create(sd_event* event, std::filesystem::path path,
                                                   Handler handler);

  PathWatch(const PathWatch&) = delete;
  PathWatch& operator=(const PathWatch&) = delete;

 private:
  PathWatch(sd_event* event, std::filesystem::path path, Handler handler);
  Result<> watch_nearest();
  template <auto handler>
  int add_source(EventSourcePtr& source, const std::filesystem::path& directory, std::uint32_t events);
  bool exists() const;
  int directories_changed();
  int give_up(const Error& error);
  int on_event(sd_event_source* source, const inotify_event* event);
  int on_parent_event(sd_event_source* source, const inotify_event* event);

  EventPtr event_;
  std::filesystem::path path_;
  Handler handler_;
  std::filesystem::path awaited_;  // path_, or the topmost of its directories that does not exist
  EventSourcePtr source_;          // of the directory of awaited_
  // Of the directory above that of awaited_: a directory that somebody still has open reports nothing when it
  // is removed.
  EventSourcePtr parent_source_;
};

}  // namespace nvccd::kubernetes
