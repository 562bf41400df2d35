// Signals are news: one that cannot be sent is logged, and the daemon goes on.
#pragma once

#include <string>

namespace nvccd::dbus {

// `r` is the result of sending a signal of the object at `path`.
void expect_sent(int r, const std::string& path);

}  // namespace nvccd::dbus
