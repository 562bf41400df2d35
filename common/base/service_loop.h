// The event loop of a service.
#pragma once

#include "common/base/event.h"
#include "common/model/error.h"

namespace nvccd {

// Ends at SIGTERM and SIGINT, and tells systemd's watchdog that it turns, if that is wanted. To be made
// before the first thread, which inherits which signals are blocked.
Result<EventPtr> new_service_loop();

}  // namespace nvccd
