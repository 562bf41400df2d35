// What is told of udev's events. libudev's monitor is a fake here, so that an overflow of its socket needs no
// storm: its functions are defined below, and the linker prefers them to the library's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libudev.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <deque>

#include "base/fd.h"
#include "udev/pci_monitor.h"

struct udev_device {
  std::string action;
  std::string name;
  std::string id;
  std::string device_class;
};

namespace nvccd {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// What the next receptions give: a device, or an error number.
struct Socket {
  std::deque<std::expected<udev_device, int>> queue;
  UniqueFd readable{::eventfd(1, EFD_CLOEXEC)};
};
std::unique_ptr<Socket> socket_of_udev;

class UdevMonitor : public testing::Test {
 protected:
  UdevMonitor() { socket_of_udev = std::make_unique<Socket>(); }
  ~UdevMonitor() override { socket_of_udev.reset(); }

  void SetUp() override {
    sd_event* event = nullptr;
    ASSERT_EQ(sd_event_new(&event), 0);
    loop_.reset(event);
    auto monitor = PciMonitor::create(
        event,
        [this](PciEvent what, const PciAddress& address) {
          constexpr std::array names = {"appeared", "gone", "driver_changed"};
          told.push_back(names.at(static_cast<std::size_t>(what)) + (" " + to_string(address)));
        },
        [this] { told.emplace_back("lost"); });
    ASSERT_TRUE(monitor) << monitor.error().message();
    monitor_ = *std::move(monitor);
  }
  static void gpu_event(const char* action, const char* name) {
    socket_of_udev->queue.emplace_back(udev_device{action, name, "10DE:2330", "30200"});
  }
  static void event_of(const char* id, const char* device_class) {
    socket_of_udev->queue.emplace_back(udev_device{"add", "0000:65:00.0", id, device_class});
  }
  static void overflow() { socket_of_udev->queue.emplace_back(std::unexpected(ENOBUFS)); }
  void receive() { ASSERT_GT(sd_event_run(loop_.get(), 0), 0); }

  std::vector<std::string> told;

 private:
  EventPtr loop_;
  std::unique_ptr<PciMonitor> monitor_;
};

TEST_F(UdevMonitor, TellsOfDevicesThatComeGoOrChangeTheirDriver) {
  gpu_event("add", "0000:65:00.0");
  gpu_event("bind", "0000:65:00.0");
  gpu_event("unbind", "0000:65:00.0");
  gpu_event("change", "0000:65:00.0");
  gpu_event("remove", "0000:66:00.0");
  gpu_event("move", "0000:67:00.0");
  receive();
  EXPECT_THAT(
      told, ElementsAre("appeared 0000:65:00.0", "driver_changed 0000:65:00.0", "driver_changed 0000:65:00.0",
                        "driver_changed 0000:65:00.0", "gone 0000:66:00.0"));
}

TEST_F(UdevMonitor, TellsOfGpusAndSwitchesOfNvidiaOnly) {
  event_of("10DE:22BA", "40300");
  event_of("8086:1521", "20000");
  event_of("1002:1234", "30000");
  event_of("", "");
  gpu_event("add", "card0");
  receive();
  EXPECT_THAT(told, IsEmpty());
  event_of("10de:22A3", "68000");
  event_of("10DE:2203", "30000");
  receive();
  EXPECT_THAT(told, ElementsAre("appeared 0000:65:00.0", "appeared 0000:65:00.0"));
}

TEST_F(UdevMonitor, TellsThatEventsWereLost) {
  overflow();
  receive();
  EXPECT_THAT(told, ElementsAre("lost"));
}

// Somebody who looks at the loss, and hears then of a removal before it, would take a device for gone that is
// there again.
TEST_F(UdevMonitor, TellsOfALossOnceAndAfterAllThatHappenedBeforeIt) {
  overflow();
  gpu_event("remove", "0000:65:00.0");
  overflow();
  gpu_event("add", "0000:66:00.0");
  receive();
  EXPECT_THAT(told, ElementsAre("gone 0000:65:00.0", "appeared 0000:66:00.0", "lost"));
}

TEST_F(UdevMonitor, AMessageThatIsNotUnderstoodIsNoLoss) {
  socket_of_udev->queue.emplace_back(std::unexpected(EINVAL));
  gpu_event("add", "0000:65:00.0");
  receive();
  receive();
  EXPECT_THAT(told, ElementsAre("appeared 0000:65:00.0"));
}

}  // namespace
}  // namespace nvccd

extern "C" {

udev_monitor* udev_monitor_new_from_netlink(udev*, const char* name) {
  EXPECT_STREQ(name, "udev");
  return reinterpret_cast<udev_monitor*>(nvccd::socket_of_udev.get());
}

udev_monitor* udev_monitor_unref(udev_monitor*) {
  return nullptr;
}

int udev_monitor_filter_add_match_subsystem_devtype(udev_monitor*, const char* subsystem, const char*) {
  EXPECT_STREQ(subsystem, "pci");
  return 0;
}

int udev_monitor_set_receive_buffer_size(udev_monitor*, int) {
  return 0;
}

int udev_monitor_enable_receiving(udev_monitor*) {
  return 0;
}

int udev_monitor_get_fd(udev_monitor*) {
  return nvccd::socket_of_udev->readable.get();
}

udev_device* udev_monitor_receive_device(udev_monitor*) {
  auto& queue = nvccd::socket_of_udev->queue;
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
  return key == std::string_view("PCI_ID") ? device->id.c_str() : device->device_class.c_str();
}

}  // extern "C"
