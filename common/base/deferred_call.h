// A function that is called once, when its turn in the event loop comes, however often the call was
// requested.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "common/base/event.h"
#include "common/model/error.h"

namespace nvccd {

// For the thread of the loop. A call that was requested and not yet made is dropped with the object.
class DeferredCall {
 public:
  static Result<std::unique_ptr<DeferredCall>> create(sd_event* event, std::function<void()> call,
                                                      std::int64_t priority = SD_EVENT_PRIORITY_NORMAL);
  DeferredCall(const DeferredCall&) = delete;
  DeferredCall& operator=(const DeferredCall&) = delete;

  void request() { (void)sd_event_source_set_enabled(source_.get(), SD_EVENT_ONESHOT); }

 private:
  explicit DeferredCall(std::function<void()> call) : call_(std::move(call)) {}
  void on_turn() { call_(); }

  std::function<void()> call_;
  EventSourcePtr source_;
};

}  // namespace nvccd
