#include "daemon/bus/signal.h"

#include <spdlog/spdlog.h>

#include <cerrno>
#include <system_error>

namespace nvccd::dbus {

void expect_sent(int r, const std::string& path) {
  // ENOTCONN: the bus is gone, which is told once, by the loop that then ends.
  if (r >= 0 || r == -ENOTCONN) return;
  spdlog::warn("D-Bus signal of {} could not be sent, ignoring: {}", path,
               std::generic_category().message(-r));
}

}  // namespace nvccd::dbus
