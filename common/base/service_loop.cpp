#include "common/base/service_loop.h"

#include <csignal>

namespace nvccd {

Result<EventPtr> new_service_loop() {
  EventPtr loop;
  if (const int r = sd_event_new(out(loop)); r < 0)
    return std::unexpected(system_error("cannot create an event loop", -r));
  (void)sd_event_set_watchdog(loop.get(), 1);
  for (const int signal : {SIGTERM, SIGINT})
    if (const int r =
            sd_event_add_signal(loop.get(), nullptr, signal | SD_EVENT_SIGNAL_PROCMASK, nullptr, nullptr);
        r < 0)
      return std::unexpected(system_error("cannot handle signals", -r));
  return loop;
}

}  // namespace nvccd
