// The event loop of a service.
#pragma once

#include "common/base/event.h"
#include "common/model/error.h"

namespace nvccd {

// A loop that ends at SIGTERM and SIGINT, and tells systemd's watchdog that it turns, if that is wanted. To
// be made before the first thread, as threads inherit which signals are blocked.
Result<EventPtr> new_service_loop();

}  // namespace nvccd
