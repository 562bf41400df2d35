// What is told of udev's events about PCI devices.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cerrno>

#include "daemon/udev/pci_monitor.h"
#include "fake_udev.h"

namespace nvccd {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;

class UdevMonitor : public testing::Test {
 protected:
  void SetUp() override {
    sd_event* event = nullptr;
    ASSERT_EQ(sd_event_new(&event), 0);
    loop_.reset(event);
    auto monitor = PciMonitor::create(
        event,
        [this](PciEvent what, const PciAddress& address) {
          constexpr std::array names = {"appeared",       "gone",           "driver_changed",
                                        "recovery began", "recovery ended", "recovery failed"};
          told.push_back(names.at(static_cast<std::size_t>(what)) + (" " + to_string(address)));
        },
        [this] { told.emplace_back("lost"); });
    ASSERT_TRUE(monitor) << monitor.error().message();
    monitor_ = *std::move(monitor);
  }
  void event_of(const char* action, const char* name, std::map<std::string, std::string> properties) {
    socket_.queues["pci"].emplace_back(udev_device{action, name, std::move(properties)});
  }
  void gpu_event(const char* action, const char* name) {
    event_of(action, name, {{"PCI_ID", "10DE:2330"}, {"PCI_CLASS", "30200"}});
  }
  void arrival_of(const char* id, const char* device_class) {
    event_of("add", "0000:65:00.0", {{"PCI_ID", id}, {"PCI_CLASS", device_class}});
  }
  void fail(int error) { socket_.queues["pci"].emplace_back(std::unexpected(error)); }
  void overflow() { fail(ENOBUFS); }
  void receive() { ASSERT_GT(sd_event_run(loop_.get(), 0), 0); }

  std::vector<std::string> told;

 private:
  test::UdevSocket socket_;
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
  arrival_of("10DE:22BA", "40300");
  arrival_of("8086:1521", "20000");
  arrival_of("1002:1234", "30000");
  arrival_of("", "");
  gpu_event("add", "card0");
  receive();
  EXPECT_THAT(told, IsEmpty());
  arrival_of("10de:22A3", "68000");
  arrival_of("10DE:2203", "30000");
  receive();
  EXPECT_THAT(told, ElementsAre("appeared 0000:65:00.0", "appeared 0000:65:00.0"));
}

// "udevadm trigger", as every boot and many a package runs it.
TEST_F(UdevMonitor, AnEventThatSomebodyMadeSaysNoMoreThanThatTheDeviceIsThere) {
  for (const char* action : {"add", "change", "bind", "unbind"})
    event_of(action, "0000:65:00.0", {{"PCI_ID", "10DE:2330"}, {"PCI_CLASS", "30200"}, {"SYNTH_UUID", "0"}});
  receive();
  EXPECT_THAT(told, Each("appeared 0000:65:00.0"));
}

// From pci_uevent_ers() in the kernel.
TEST_F(UdevMonitor, TellsOfARecoveryFromAnError) {
  for (const char* event : {"BEGIN_RECOVERY", "SUCCESSFUL_RECOVERY", "FAILED_RECOVERY", "NEW_WORD"})
    event_of(
        "change", "0000:65:00.0",
        {{"PCI_ID", "10DE:2330"}, {"PCI_CLASS", "30200"}, {"ERROR_EVENT", event}, {"DEVICE_ONLINE", "0"}});
  receive();
  EXPECT_THAT(told, ElementsAre("recovery began 0000:65:00.0", "recovery ended 0000:65:00.0",
                                "recovery failed 0000:65:00.0", "recovery began 0000:65:00.0"));
}

// Below it may be a GPU.
TEST_F(UdevMonitor, TellsOfARecoveryOfEveryOtherDeviceToo) {
  event_of("change", "0000:60:01.0",
           {{"PCI_ID", "8086:352A"}, {"PCI_CLASS", "60400"}, {"ERROR_EVENT", "FAILED_RECOVERY"}});
  event_of("change", "0000:60:01.0", {{"PCI_ID", "8086:352A"}, {"PCI_CLASS", "60400"}});
  receive();
  EXPECT_THAT(told, ElementsAre("recovery failed 0000:60:01.0"));
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
  fail(EINVAL);
  gpu_event("add", "0000:65:00.0");
  receive();
  receive();
  EXPECT_THAT(told, ElementsAre("appeared 0000:65:00.0"));
}

}  // namespace
}  // namespace nvccd
