// Who opens and closes VFIO's nodes, seen on plain files.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/pci/vfio_watch.h"
#include "host_tree.h"

namespace nvccd {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class VfioNodes : public testing::Test {
 protected:
  VfioNodes() {
    host.write(node("vfio"), "");
    host.write(node("65"), "");
    host.write(node("devices/vfio3"), "");
  }
  void watch() {
    sd_event* event = nullptr;
    ASSERT_EQ(sd_event_new(&event), 0);
    loop_.reset(event);
    auto watch = VfioWatch::create(
        event, host.paths(),
        [this](const std::string& path, bool opened) {
          told.push_back((opened ? "opened " : "closed ") +
                         std::filesystem::path(path).lexically_relative(host.paths().dev).string());
        },
        [this] { told.emplace_back("lost"); });
    ASSERT_TRUE(watch) << watch.error().message();
    watch_ = *std::move(watch);
  }
  std::filesystem::path vfio() { return std::filesystem::path(host.paths().dev) / "vfio"; }
  std::filesystem::path node(const char* name) { return vfio() / name; }
  void open_and_close(const char* name) { ASSERT_TRUE(open_file(node(name), O_RDWR)); }
  // Whatever has happened until now is told.
  void catch_up() {
    while (sd_event_run(loop_.get(), 0) > 0) {
    }
  }
  // Those that were there, and one that came.
  void expect_all_three_watched() {
    told.clear();
    for (const char* name : {"65", "66", "devices/vfio3"})
      open_and_close(name);
    catch_up();
    EXPECT_THAT(told, ElementsAre("opened vfio/65", "closed vfio/65", "opened vfio/66", "closed vfio/66",
                                  "opened vfio/devices/vfio3", "closed vfio/devices/vfio3"));
  }

  test::HostTree host;
  std::vector<std::string> told;

 private:
  EventPtr loop_;
  std::unique_ptr<VfioWatch> watch_;
};

TEST_F(VfioNodes, OpeningsAndClosingsAreTold) {
  watch();
  auto group = open_file(node("65"), O_RDWR);
  catch_up();
  EXPECT_THAT(told, ElementsAre("opened vfio/65"));
  group->reset();
  open_and_close("devices/vfio3");
  catch_up();
  EXPECT_THAT(told, ElementsAre("opened vfio/65", "closed vfio/65", "opened vfio/devices/vfio3",
                                "closed vfio/devices/vfio3"));
}

TEST_F(VfioNodes, OfTheContainerThatEverybodyMayOpenNothingIsTold) {
  watch();
  open_and_close("vfio");
  std::filesystem::remove(node("vfio"));
  host.write(node("vfio"), "");
  open_and_close("vfio");
  catch_up();
  EXPECT_THAT(told, IsEmpty());
}

TEST_F(VfioNodes, AFloodOfOpeningsOfTheContainerHidesNothing) {
  const auto limit = read_number("/proc/sys/fs/inotify/max_queued_events", 10);
  ASSERT_TRUE(limit);
  watch();
  for (std::int64_t i = 0; i <= *limit; ++i)
    open_and_close("vfio");
  open_and_close("65");
  catch_up();
  EXPECT_THAT(told, ElementsAre("opened vfio/65", "closed vfio/65"));
}

TEST_F(VfioNodes, ANodeThatComesLaterIsWatched) {
  watch();
  host.write(node("66"), "");
  host.write(node("devices/vfio4"), "");
  catch_up();
  told.clear();
  open_and_close("66");
  open_and_close("devices/vfio4");
  catch_up();
  EXPECT_THAT(told, ElementsAre("opened vfio/66", "closed vfio/66", "opened vfio/devices/vfio4",
                                "closed vfio/devices/vfio4"));
}

TEST_F(VfioNodes, ANodeThatComesBackIsWatched) {
  watch();
  std::filesystem::remove(node("65"));
  host.write(node("65"), "");
  catch_up();
  told.clear();
  open_and_close("65");
  catch_up();
  EXPECT_THAT(told, ElementsAre("opened vfio/65", "closed vfio/65"));
}

TEST_F(VfioNodes, DirectoriesThatComeLaterAreWatchedWithWhatIsInThem) {
  std::filesystem::remove_all(vfio());
  watch();
  host.write(node("65"), "");
  catch_up();
  host.write(node("devices/vfio3"), "");
  catch_up();
  host.write(node("66"), "");
  catch_up();
  expect_all_three_watched();
}

TEST_F(VfioNodes, DirectoriesThatComeBackAreWatched) {
  watch();
  std::filesystem::remove_all(vfio());
  catch_up();
  host.write(node("65"), "");
  catch_up();
  told.clear();
  open_and_close("65");
  catch_up();
  EXPECT_THAT(told, ElementsAre("opened vfio/65", "closed vfio/65"));
}

TEST_F(VfioNodes, MoreThanTheKernelKeepsIsALossAfterWhichAllIsWatchedAgain) {
  const auto limit = read_number("/proc/sys/fs/inotify/max_queued_events", 10);
  ASSERT_TRUE(limit);
  watch();
  for (std::int64_t i = 0; i <= *limit / 2; ++i)
    open_and_close("65");
  std::filesystem::remove(node("devices/vfio3"));
  host.write(node("devices/vfio3"), "");
  host.write(node("66"), "");
  catch_up();
  EXPECT_EQ(std::ranges::count(told, "lost"), 1);
  expect_all_three_watched();
}

TEST_F(VfioNodes, ANodeThatBelongsToAnotherUserKeepsNobodyFromWatchingTheOthers) {
  host.write(node("66"), "");
  ASSERT_EQ(::chmod(node("65").c_str(), 0), 0);
  const auto self = ::geteuid();
  ASSERT_EQ(::seteuid(self == 0 ? 65534 : self), 0);  // root may read everything
  watch();
  ASSERT_EQ(::seteuid(self), 0);
  open_and_close("66");
  catch_up();
  EXPECT_THAT(told, ElementsAre("opened vfio/66", "closed vfio/66"));
}

TEST_F(VfioNodes, ADirectoryThatIsNotThereCannotBeWatched) {
  sd_event* event = nullptr;
  ASSERT_EQ(sd_event_new(&event), 0);
  const EventPtr loop(event);
  const auto watch =
      VfioWatch::create(event, {.dev = host.paths().dev + "/none"}, [](const std::string&, bool) {}, [] {});
  ASSERT_FALSE(watch);
  EXPECT_THAT(watch.error().message(), testing::HasSubstr("/dev/none"));
}

}  // namespace
}  // namespace nvccd
