#include <gtest/gtest.h>
#include <libudev.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <stdexcept>

#include "fake_udev.h"

namespace {
nvccd::test::UdevSocket* socket_of_udev = nullptr;

nvccd::test::UdevSocket::Listener& listener(udev_monitor* monitor) {
  return *reinterpret_cast<nvccd::test::UdevSocket::Listener*>(monitor);
}
}  // namespace

namespace nvccd::test {

UdevSocket::UdevSocket() {
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
  return reinterpret_cast<udev_monitor*>(
      &socket_of_udev->listeners.emplace_back(nvccd::test::UdevSocket::Listener{
          .subsystem = "", .readable = nvccd::UniqueFd(::eventfd(1, EFD_CLOEXEC))}));
}

udev_monitor* udev_monitor_unref(udev_monitor*) {
  return nullptr;
}

int udev_monitor_filter_add_match_subsystem_devtype(udev_monitor* monitor, const char* subsystem,
                                                    const char*) {
  listener(monitor).subsystem = subsystem;
  return 0;
}

int udev_monitor_set_receive_buffer_size(udev_monitor*, int) {
  return 0;
}

int udev_monitor_enable_receiving(udev_monitor*) {
  return 0;
}

int udev_monitor_get_fd(udev_monitor* monitor) {
  return listener(monitor).readable.get();
}

udev_device* udev_monitor_receive_device(udev_monitor* monitor) {
  auto& queue = socket_of_udev->queues[listener(monitor).subsystem];
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
