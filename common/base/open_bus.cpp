#include "common/base/open_bus.h"

namespace nvccd {

std::expected<BusPtr, int> open_bus(const std::string& address) {
  sd_bus* opened = nullptr;
  int r = 0;
  if (address.empty()) {
    r = sd_bus_open_system(&opened);
  } else {
    r = sd_bus_new(&opened);
    if (r >= 0) r = sd_bus_set_address(opened, address.c_str());
    if (r >= 0) r = sd_bus_set_bus_client(opened, 1);
    if (r >= 0) r = sd_bus_start(opened);
  }
  BusPtr bus(opened);
  if (r < 0) return std::unexpected(-r);
  return bus;
}

}  // namespace nvccd
