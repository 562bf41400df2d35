#include "common/base/open_bus.h"

namespace nvccd {

std::expected<BusPtr, int> open_bus(const std::string& address) {
  BusPtr bus;
  int r = 0;
  if (address.empty()) {
    r = sd_bus_open_system(out(bus));
  } else {
    r = sd_bus_new(out(bus));
    if (r >= 0) r = sd_bus_set_address(bus.get(), address.c_str());
    if (r >= 0) r = sd_bus_set_bus_client(bus.get(), 1);
    if (r >= 0) r = sd_bus_start(bus.get());
  }
  if (r < 0) return std::unexpected(-r);
  return bus;
}

}  // namespace nvccd
