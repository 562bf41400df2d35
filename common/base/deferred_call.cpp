#include "common/base/deferred_call.h"

#include <utility>

namespace nvccd {

Result<std::unique_ptr<DeferredCall>> DeferredCall::create(sd_event* event, std::function<void()> call,
                                                           std::int64_t priority) {
  std::unique_ptr<DeferredCall> deferred(new DeferredCall(std::move(call)));
  constexpr auto on_turn = [](sd_event_source*, void* self) noexcept {
    static_cast<DeferredCall*>(self)->call_();
    return 0;
  };
  sd_event_source* source = nullptr;
  int r = sd_event_add_defer(event, &source, on_turn, deferred.get());
  deferred->source_.reset(source);
  if (r >= 0) r = sd_event_source_set_enabled(source, SD_EVENT_OFF);
  if (r >= 0) r = sd_event_source_set_priority(source, priority);
  if (r < 0) return std::unexpected(system_error("set up work for a later turn of the event loop", -r));
  return deferred;
}

}  // namespace nvccd
