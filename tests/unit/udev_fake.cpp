#include <gtest/gtest.h>
#include <libudev.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <stdexcept>

#include "fake_udev.h"

namespace {
nvccd::test::UdevSocket* socket_of_udev = nullptr;
}

namespace nvccd::test {

UdevSocket::UdevSocket() : readable(::eventfd(1, EFD_CLOEXEC)) {
  if (socket_of_udev != nullptr) throw std::logic_error("there is a socket of udev");
  socket_of_udev = this;
}

UdevSocket::~UdevSocket() {
  socket_of_udev = nullptr;
}

}  // namespace nvccd::test

extern "C" {

udev_monitor* udev_monitor_new_from_netlink(udev*, const char* name) {
  EXPECT_STREQ(name, "udev");
  return reinterpret_cast<udev_monitor*>(socket_of_udev);
}

udev_monitor* udev_monitor_unref(udev_monitor*) {
  return nullptr;
}

int udev_monitor_filter_add_match_subsystem_devtype(udev_monitor*, const char* subsystem, const char*) {
  socket_of_udev->subsystem = subsystem;
  return 0;
}

int udev_monitor_set_receive_buffer_size(udev_monitor*, int) {
  return 0;
}

int udev_monitor_enable_receiving(udev_monitor*) {
  return 0;
}

int udev_monitor_get_fd(udev_monitor*) {
  return socket_of_udev->readable.get();
}

udev_device* udev_monitor_receive_device(udev_monitor*) {
  auto& queue = socket_of_udev->queue;
  if (queue.empty()) {
    errno = EAGAIN;
    return nullptr;
  }
  auto next = std::move(queue.front());
  queue.pop_front();
  if (next) return new udev_device(*std::move(next));
  errno = next.error();
  return nullptr;
}

udev_device* udev_device_unref(udev_device* device) {
  delete device;
  return nullptr;
}

const char* udev_device_get_action(udev_device* device) {
  return device->action.c_str();
}

const char* udev_device_get_sysname(udev_device* device) {
  return device->name.c_str();
}

const char* udev_device_get_property_value(udev_device* device, const char* key) {
  const auto found = device->properties.find(key);
  return found != device->properties.end() ? found->second.c_str() : nullptr;
}

}  // extern "C"
