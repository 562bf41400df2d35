// libudev's monitor as a fake, so that an overflow of its socket needs no storm: its functions are defined in
// fake_udev.cpp, and the linker prefers them to the library's.
#pragma once

#include <deque>
#include <expected>
#include <map>
#include <string>

#include "base/fd.h"

struct udev_device {
  std::string action;
  std::string name;
  std::map<std::string, std::string> properties;
};

namespace nvccd::test {

// There is one at a time, for the monitors that are created while it lives.
class UdevSocket {
 public:
  UdevSocket();
  UdevSocket(const UdevSocket&) = delete;
  UdevSocket& operator=(const UdevSocket&) = delete;
  ~UdevSocket();

  std::string subsystem;                              // that is listened to
  std::deque<std::expected<udev_device, int>> queue;  // what the next receptions give: a device, or errno
  UniqueFd readable;
};

}  // namespace nvccd::test
