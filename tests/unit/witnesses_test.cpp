// From what udev and the files say to what is said of a device: emulated devices in virtual time, with the
// kernel's files laid out beside them.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <sstream>

#include "daemon/witnesses.h"
#include "fake_udev.h"
#include "host_tree.h"
#include "tests/engine/node_fixture.h"

namespace nvccd::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class WitnessesTest : public testing::Test, public Node {
 protected:
  // Two GPUs, each below a port of one switch.
  void SetUp() override {
    spdlog::set_default_logger(
        std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::ostream_sink_mt>(log)));
    spdlog::set_pattern("%l: %v");
    for (const unsigned n : {0U, 1U}) {
      const auto place = std::filesystem::path(tree.paths().sys) / "devices/pci0000:00/0000:00:01.0" /
                         to_string(port(n)) / to_string(slot(n));
      tree.write(place / "config", "");
      tree.write(place / "resource0", "");
      tree.link(tree.paths().device(slot(n)), place);
    }
    start_on(2);
    sd_event* event = nullptr;
    ASSERT_EQ(sd_event_new(&event), 0);
    loop.reset(event);
    auto created = Witnesses::create(event, tree.paths(), own, *manager);
    ASSERT_TRUE(created) << created.error().message();
    witnesses = *std::move(created);
  }
  void TearDown() override {
    witnesses.reset();
    spdlog::set_default_logger(logger_before);
  }

  static PciAddress port(unsigned n) { return *PciAddress::parse("0000:80:0" + std::to_string(n) + ".0"); }
  void recovered(const PciAddress& address, const char* event = "FAILED_RECOVERY") {
    udev.queues["pci"].emplace_back(
        udev_device{"change", to_string(address), {{"PCI_ID", "8086:352A"}, {"ERROR_EVENT", event}}});
  }
  // The log since this was last called.
  std::vector<std::string> said() {
    tell();
    std::vector<std::string> lines;
    std::istringstream text(log.str());
    for (std::string line; std::getline(text, line);)
      lines.push_back(line);
    log.str("");
    return lines;
  }
  void machine(const char* what) {
    udev.queues["misc"].emplace_back(udev_device{"change", "kvm", {{"EVENT", what}}});
  }
  // What has happened is told; nobody has looked at a device yet.
  void tell() {
    for (int i = 0; i < 10; ++i)
      (void)sd_event_run(loop.get(), 0);
  }
  void expect_doubted(const std::vector<unsigned>& devices) {
    tell();
    for (const unsigned n : {0U, 1U})
      EXPECT_EQ(device(n).healthy(), std::ranges::find(devices, n) == devices.end()) << n;
    run();
    EXPECT_TRUE(manager->node().ready) << "they were as they should be";
  }

  std::ostringstream log;
  std::shared_ptr<spdlog::logger> logger_before = spdlog::default_logger();
  UdevSocket udev;
  HostTree tree;
  std::shared_ptr<OwnOpenings> own = std::make_shared<OwnOpenings>();
  EventPtr loop;
  std::unique_ptr<Witnesses> witnesses;
};

TEST_F(WitnessesTest, NothingIsDoubtedForNothing) {
  udev.queues["pci"].emplace_back(udev_device{"change", to_string(port(0)), {{"PCI_ID", "8086:352A"}}});
  expect_doubted({});
}

TEST_F(WitnessesTest, ADeviceThatTheKernelRecoversIsDoubted) {
  recovered(slot(0));
  expect_doubted({0});
}

TEST_F(WitnessesTest, WhatIsBelowABridgeThatTheKernelRecoversIsDoubted) {
  recovered(port(1));
  expect_doubted({1});
  recovered(*PciAddress::parse("0000:00:01.0"));
  expect_doubted({0, 1});
}

TEST_F(WitnessesTest, OfOtherDevicesThatTheKernelRecoversNothingFollows) {
  recovered(*PciAddress::parse("0000:99:00.0"));
  expect_doubted({});
}

TEST_F(WitnessesTest, TheBeginningAndTheEndOfARecoveryAreOneMessageEach) {
  for (int again = 0; again < 2; ++again) {
    recovered(slot(0), "BEGIN_RECOVERY");
    recovered(slot(0), "SUCCESSFUL_RECOVERY");
    EXPECT_THAT(
        said(),
        ElementsAre("warning: 0000:01:00.0: the kernel recovers it from an error; looking at the device",
                    "info: 0000:01:00.0: the kernel has recovered it from an error; looking at the device"));
  }
  recovered(slot(0));
  EXPECT_THAT(said(), ElementsAre("warning: 0000:01:00.0: the kernel could not recover it from an error; "
                                  "looking at the device"));
}

TEST_F(WitnessesTest, ARecoveryOfABridgeAndOfTheDeviceBelowItIsSaidOnce) {
  for (const char* event : {"BEGIN_RECOVERY", "SUCCESSFUL_RECOVERY"})
    for (const auto& address : {port(0), slot(0)})
      recovered(address, event);
  EXPECT_THAT(said(),
              ElementsAre(AllOf(HasSubstr("warning: 0000:01:00.0"), HasSubstr("the bridge 0000:80:00.0")),
                          AllOf(HasSubstr("info: 0000:01:00.0"), HasSubstr("the bridge 0000:80:00.0"))));
}

TEST_F(WitnessesTest, ARecoveryWhoseEndWasNotToldIsNoReasonToHideTheNext) {
  recovered(port(0), "BEGIN_RECOVERY");
  recovered(port(0), "BEGIN_RECOVERY");
  EXPECT_EQ(said().size(), 2U);
}

TEST_F(WitnessesTest, AMachineThatEndsMayHaveHadADevice) {
  machine("create");
  expect_doubted({});
  machine("destroy");
  expect_doubted({0, 1});
}

TEST_F(WitnessesTest, ADeviceThatSomebodyElseWritesToIsDoubted) {
  ASSERT_TRUE(write_attribute(tree.paths().device(slot(1)) / "config", "1"));
  expect_doubted({1});
  own->announce(slot(1), {SysfsAccess::config_written});
  ASSERT_TRUE(write_attribute(tree.paths().device(slot(1)) / "config", "1"));
  expect_doubted({});
}

TEST_F(WitnessesTest, ADeviceThatCameWhileEventsWereLostIsWatched) {
  const auto place = std::filesystem::canonical(tree.paths().device(slot(0)));
  std::filesystem::remove_all(place);
  tree.write(place / "config", "");
  udev.queues["pci"].emplace_back(std::unexpected(ENOBUFS));
  tell();
  run();
  ASSERT_TRUE(device(0).healthy());
  ASSERT_TRUE(write_attribute(place / "config", "1"));
  expect_doubted({0});
}

TEST_F(WitnessesTest, ADeviceThatComesIsWatched) {
  udev.queues["pci"].emplace_back(
      udev_device{"remove", to_string(slot(0)), {{"PCI_ID", "10DE:2330"}, {"PCI_CLASS", "30200"}}});
  tell();
  EXPECT_FALSE(manager->devices().contains(slot(0)));
  udev.queues["pci"].emplace_back(
      udev_device{"add", to_string(slot(0)), {{"PCI_ID", "10DE:2330"}, {"PCI_CLASS", "30200"}}});
  tell();
  run();
  ASSERT_TRUE(device(0).healthy());
  ASSERT_TRUE(open_file(tree.paths().device(slot(0)) / "resource0", O_RDWR));
  expect_doubted({0});
}

}  // namespace
}  // namespace nvccd::test
