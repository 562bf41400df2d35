// Whether a device may still be changed: taken back on the loop (the settings exclude it, or it has gone),
// asked by workers before each thing that changes the device.
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
