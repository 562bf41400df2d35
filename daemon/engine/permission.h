// Whether a device may still be changed. The loop takes the permission back when the settings exclude the
// device or it has gone; workers ask for it before each thing that changes the device.
#pragma once

#include <atomic>

#include "common/model/error.h"

namespace nvccd {

class Permission {
 public:
  void take_back() { given_ = false; }

  Result<> check() const {
    if (given_) return {};
    return std::unexpected(
        Error{.kind = ErrorKind::cancelled,
              .cause = "the device was removed, or excluded by the settings, since this was begun"});
  }

 private:
  std::atomic<bool> given_ = true;
};

}  // namespace nvccd
