// Methods of bus objects. A vtable row names the access that its method needs, so none can go without the
// check.
#pragma once

#include <systemd/sd-bus.h>

#include <type_traits>
#include <utility>

#include "daemon/bus/authority.h"
#include "daemon/bus/call.h"

namespace nvccd::dbus {

// The C callback for a row: reads and checks the arguments by `action`, asks T::authority(), acts, answers.
// `access` is an Access, or a member function that says which one this object needs.
template <typename T, ActionResult (T::*action)(sd_bus_message* call), auto access>
int method(sd_bus_message* call, void* userdata, sd_bus_error* error) noexcept {
  return at_c_boundary(error, [&] {
    T& object = *static_cast<T*>(userdata);
    ActionResult result = (object.*action)(call);
    if (!result) return set_error(error, result.error());
    Access needed{};
    if constexpr (std::is_same_v<decltype(access), Access>)
      needed = access;
    else
      needed = (object.*access)();
    return object.authority().run(call, needed, std::move(*result), error);
  });
}

}  // namespace nvccd::dbus
