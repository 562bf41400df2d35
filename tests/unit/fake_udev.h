// libudev's monitor as a fake, so that an overflow of its socket needs no storm: its functions are defined in
// fake_udev.cpp, and the linker prefers them to the library's.
#pragma once

#include <deque>
#include <expected>
#include <list>
#include <map>
#include <string>

#include "common/base/fd.h"

struct udev_device {
  std::string action;
  std::string name;
  std::map<std::string, std::string> properties;
};

namespace nvccd::test {

// There is one at a time, for all monitors that are created while it lives.
class UdevSocket {
 public:
  UdevSocket();
  UdevSocket(const UdevSocket&) = delete;
  UdevSocket& operator=(const UdevSocket&) = delete;
  ~UdevSocket();

  // What the next receptions of who listens to a subsystem give: a device, or errno.
  std::map<std::string, std::deque<std::expected<udev_device, int>>> queues;

  struct Listener {
    std::string subsystem;
    UniqueFd readable;
  };
  std::list<Listener> listeners;
};

}  // namespace nvccd::test
