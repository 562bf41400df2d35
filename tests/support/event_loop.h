// The event loop of a test.
#pragma once

#include <chrono>
#include <functional>

#include "common/base/event.h"

namespace nvccd::test {

EventPtr new_event_loop();

// Runs the loop until the condition holds. False when it still does not after the time limit.
bool run_until(sd_event* event, const std::function<bool()>& condition,
               std::chrono::milliseconds limit = std::chrono::seconds(10));

}  // namespace nvccd::test
