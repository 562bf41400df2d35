#include "knobs.h"

#include <algorithm>

namespace emulator {
namespace {

// Each permission is followed by the knob it is for.
constexpr unsigned kPermissions[] = {1, 3, 5, 7, 9, 33, 35, 44, 46};

bool is_permission(unsigned id) {
  return std::ranges::find(kPermissions, id) != std::end(kPermissions);
}

}  // namespace

KnobStore::KnobStore() {
  for (const unsigned id : kPermissions)
    values_[id - 1] = 1;
}

void KnobStore::set(unsigned id, std::uint16_t value) {
  if (known(id)) values_[id - 1] = value;
}

bool KnobStore::host_may_write(unsigned id) const {
  if (is_permission(id)) return false;
  return !is_permission(id - 1) || get(id - 1) != 0;
}

}  // namespace emulator
