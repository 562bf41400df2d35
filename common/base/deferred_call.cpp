#include "common/base/deferred_call.h"

#include <utility>

namespace nvccd {

Result<std::unique_ptr<DeferredCall>> DeferredCall::create(sd_event* event, std::function<void()> call,
                                                           std::int64_t priority) {
  std::unique_ptr<DeferredCall> deferred(new DeferredCall(std::move(call)));
  auto& source = deferred->source_;
  int r = sd_event_add_defer(event, out(source), callback<&DeferredCall::on_turn>, deferred.get());
  if (r >= 0) r = sd_event_source_set_enabled(source.get(), SD_EVENT_OFF);
  if (r >= 0) r = sd_event_source_set_priority(source.get(), priority);
  if (r < 0) return std::unexpected(system_error("set up work for a later turn of the event loop", -r));
  return deferred;
}

}  // namespace nvccd
