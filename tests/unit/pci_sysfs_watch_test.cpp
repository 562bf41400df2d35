// What others do to a device through sysfs, seen on plain files.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>

#include "common/host/topology.h"
#include "daemon/pci/sysfs_watch.h"
#include "host_tree.h"

namespace nvccd {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const auto gpu = *PciAddress::parse("0000:65:00.0");
const auto sibling = *PciAddress::parse("0000:66:00.0");
const auto port = *PciAddress::parse("0000:64:00.0");
const auto other_port = *PciAddress::parse("0000:64:01.0");
const auto root = *PciAddress::parse("0000:60:01.0");

class SysfsTouches : public testing::Test {
 protected:
  SysfsTouches() {
    add(gpu, {root, port});
    add(sibling, {root, other_port});
    sd_event* event = nullptr;
    if (sd_event_new(&event) < 0) throw std::runtime_error("sd_event_new failed");
    loop_.reset(event);
    auto created = SysfsWatch::create(
        event, host.paths(), own,
        {.touched = [this](const PciAddress& address, SysfsAccess) { touched.push_back(to_string(address)); },
         .lost = [this] { touched.emplace_back("lost"); }});
    if (!created) throw std::runtime_error(created.error().message());
    watch = *std::move(created);
    for (const auto& device : {gpu, sibling})
      EXPECT_TRUE(watch->watch(device));
  }
  // A device below bridges, each with its files.
  void add(const PciAddress& device, const std::vector<PciAddress>& bridges) {
    auto directory = std::filesystem::path(host.paths().sys) / "devices/pci0000:60";
    auto all = bridges;
    all.push_back(device);
    for (const auto& function : all) {
      directory /= to_string(function);
      for (const char* file : {"config", "reset", "reset_subordinate", "resource0", "vendor", "rom"})
        if (!std::filesystem::exists(directory / file)) host.write(directory / file, "");
      host.link(host.paths().device(function), directory);
    }
  }
  std::filesystem::path file(const PciAddress& device, const char* name) {
    return host.paths().device(device) / name;
  }
  void write(const PciAddress& device, const char* name) {
    ASSERT_TRUE(write_attribute(file(device, name), "1"));
  }
  // Whatever has happened until now is told.
  void catch_up() {
    while (sd_event_run(loop_.get(), 0) > 0) {
    }
  }
  void expect_touched(const std::vector<std::string>& devices) {
    catch_up();
    EXPECT_EQ(touched, devices);
    touched.clear();
  }

  test::HostTree host;
  std::shared_ptr<OwnOpenings> own = std::make_shared<OwnOpenings>();
  std::vector<std::string> touched;
  EventPtr loop_;
  std::unique_ptr<SysfsWatch> watch;
};

TEST_F(SysfsTouches, AResetIsTold) {
  write(gpu, "reset");
  catch_up();
  EXPECT_THAT(touched, testing::Each(to_string(gpu)));
  EXPECT_FALSE(touched.empty());
}

// The write fails then, and the device may have been reset all the same.
TEST_F(SysfsTouches, AResetThatFailsIsTold) {
  ASSERT_TRUE(open_file(file(gpu, "reset"), O_WRONLY));
  expect_touched({to_string(gpu)});
}

TEST_F(SysfsTouches, AWriteToTheConfigurationSpaceIsTold) {
  write(gpu, "config");
  expect_touched({to_string(gpu)});
}

// setpci that only reads, lspci, and whoever looks at other files.
TEST_F(SysfsTouches, LookingIsNotTold) {
  for (const char* name : {"config", "vendor", "rom"})
    (void)read_attribute(file(gpu, name));
  ASSERT_TRUE(open_file(file(gpu, "config"), O_RDWR));
  write(gpu, "rom");
  expect_touched({});
}

TEST_F(SysfsTouches, AMappingOfTheRegistersIsToldWhenItBeginsAndWhenItEnds) {
  host.write(file(gpu, "resource0"), std::string(4096, '\0'));
  catch_up();
  touched.clear();
  auto fd = open_file(file(gpu, "resource0"), O_RDWR);
  void* const mapping = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd->get(), 0);
  ASSERT_NE(mapping, MAP_FAILED);
  fd->reset();
  expect_touched({to_string(gpu)});
  ::munmap(mapping, 4096);
  expect_touched({to_string(gpu)});
}

TEST_F(SysfsTouches, WhatIsDoneToABridgeIsToldOfAllBelowIt) {
  write(port, "config");
  expect_touched({to_string(gpu)});
  write(root, "config");
  expect_touched({to_string(gpu), to_string(sibling)});
  ASSERT_TRUE(open_file(file(other_port, "reset_subordinate"), O_WRONLY));
  expect_touched({to_string(sibling)});
}

TEST_F(SysfsTouches, WhatWasAnnouncedIsNotTold) {
  own->announce(gpu, {SysfsAccess::registers_opened, SysfsAccess::registers_closed,
                      SysfsAccess::reset_written, SysfsAccess::reset_closed, SysfsAccess::config_written});
  write(gpu, "config");
  ASSERT_TRUE(open_file(file(gpu, "resource0"), O_RDWR));
  write(gpu, "reset");
  expect_touched({});
  ASSERT_TRUE(open_file(file(gpu, "resource0"), O_RDWR));
  expect_touched({to_string(gpu), to_string(gpu)});
}

TEST_F(SysfsTouches, WhatSomebodyElseDoesMeanwhileIsTold) {
  own->announce(gpu, {SysfsAccess::registers_opened, SysfsAccess::registers_closed});
  auto ours = open_file(file(gpu, "resource0"), O_RDWR);
  write(gpu, "config");
  auto theirs = open_file(file(gpu, "resource0"), O_RDWR);
  expect_touched({to_string(gpu), to_string(gpu)});
  ours->reset();
  expect_touched({});
  theirs->reset();
  expect_touched({to_string(gpu)});
}

TEST_F(SysfsTouches, WhatWasAnnouncedAndDidNotComeHidesNothing) {
  own->announce(gpu, {SysfsAccess::reset_written, SysfsAccess::reset_closed});
  own->retract(gpu, {SysfsAccess::reset_written, SysfsAccess::reset_closed});
  ASSERT_TRUE(open_file(file(gpu, "reset"), O_WRONLY));
  expect_touched({to_string(gpu)});
}

TEST_F(SysfsTouches, WhatWasAnnouncedOfAnotherDeviceHidesNothing) {
  own->announce(sibling, {SysfsAccess::config_written});
  write(gpu, "config");
  expect_touched({to_string(gpu)});
}

TEST_F(SysfsTouches, OfADeviceThatIsGoneNothingIsTold) {
  watch->forget(gpu);
  write(gpu, "config");
  write(root, "config");
  expect_touched({to_string(sibling)});
}

// The old directory is another file than the new one of that name.
TEST_F(SysfsTouches, ADeviceThatCameBackIsWatched) {
  std::filesystem::remove_all(std::filesystem::canonical(host.paths().device(gpu)));
  watch->forget(gpu);
  add(gpu, {root, port});
  catch_up();
  touched.clear();
  EXPECT_TRUE(watch->watch(gpu));
  write(gpu, "config");
  expect_touched({to_string(gpu)});
}

TEST_F(SysfsTouches, OfTheDeviceThatWasThereBeforeNothingIsTold) {
  const auto directory = std::filesystem::canonical(host.paths().device(gpu));
  const auto old = directory.parent_path() / "old";
  std::filesystem::rename(directory, old);
  add(gpu, {root, port});
  EXPECT_TRUE(watch->watch(gpu));
  ASSERT_TRUE(write_attribute(old / "config", "1"));
  expect_touched({});
  write(gpu, "config");
  expect_touched({to_string(gpu)});
}

TEST_F(SysfsTouches, WatchingAgainLosesNothing) {
  write(gpu, "config");
  EXPECT_TRUE(watch->watch(gpu));
  expect_touched({to_string(gpu)});
}

TEST_F(SysfsTouches, WhatWasAnnouncedBeforeItWasWatchedHidesNothing) {
  watch->forget(gpu);
  own->announce(gpu, {SysfsAccess::config_written});
  EXPECT_TRUE(watch->watch(gpu));
  write(gpu, "config");
  expect_touched({to_string(gpu)});
}

TEST_F(SysfsTouches, AnOverflowIsALossAfterWhichNoOldAnnouncementCounts) {
  const auto limit = read_number("/proc/sys/fs/inotify/max_queued_events", 10);
  ASSERT_TRUE(limit);
  own->announce(gpu, {SysfsAccess::reset_closed});
  for (std::int64_t i = 0; i <= *limit; ++i)
    ASSERT_TRUE(open_file(file(sibling, "resource0"), O_RDWR));
  ASSERT_TRUE(open_file(file(gpu, "reset"), O_WRONLY));
  catch_up();
  EXPECT_EQ(std::ranges::count(touched, "lost"), 1);
  touched.clear();
  ASSERT_TRUE(open_file(file(gpu, "reset"), O_WRONLY));
  expect_touched({to_string(gpu)});
}

TEST_F(SysfsTouches, BridgesAreThoseAboveADevice) {
  EXPECT_THAT(bridges_above(host.paths(), gpu), ElementsAre(root, port));
  EXPECT_THAT(bridges_above(host.paths(), root), IsEmpty());
  EXPECT_THAT(bridges_above(host.paths(), *PciAddress::parse("0000:99:00.0")), IsEmpty());
}

}  // namespace
}  // namespace nvccd
