#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "publish/state_file.h"
#include "support/event_loop.h"
#include "support/fake_manager.h"
#include "support/temporary_directory.h"

namespace nvccd::test {
namespace {

class StateFileTest : public testing::Test {
 protected:
  void SetUp() override {
    manager.appear(hopper_gpu("0000:65:00.0"));
    manager.change_node([](NodeState& node) { node.ready = true; });
  }

  void open() {
    auto created = StateFile::create(event.get(), manager, path, {});
    ASSERT_TRUE(created) << created.error().message();
    file = std::move(*created);
  }
  void open_and_write() {
    open();
    const auto written = file->write();
    ASSERT_TRUE(written) << written.error().message();
  }
  nlohmann::json read() const { return nlohmann::json::parse(std::ifstream(path)); }
  // Lets the loop do what is due, without waiting.
  void run_loop() {
    while (sd_event_run(event.get(), 0) > 0)
      continue;
  }
  ino_t inode() const {
    struct stat status{};
    ::stat(path.c_str(), &status);
    return status.st_ino;
  }

  TemporaryDirectory directory;
  std::filesystem::path path = directory.path() / "state.json";
  EventPtr event = new_event_loop();
  FakeManager manager;
  std::unique_ptr<StateFile> file;
};

TEST_F(StateFileTest, EverybodyCanReadItWhateverTheUmask) {
  const mode_t before = ::umask(0077);
  open_and_write();
  ::umask(before);
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0644U);
  EXPECT_EQ(read()["devices"].size(), 1U);
}

TEST_F(StateFileTest, WhatAnEarlierRunLeftBehindIsGoneBeforeAnythingIsKnown) {
  std::ofstream(path) << R"({"node": {"ready": true}})";
  open();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(StateFileTest, IsGoneWhenTheDaemonStops) {
  open_and_write();
  file.reset();
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST_F(StateFileTest, ManyChangesAtATimeCostOneWrite) {
  open_and_write();
  const ino_t before = inode();
  for (const char* address : {"0000:66:00.0", "0000:67:00.0", "0000:68:00.0"})
    manager.appear(hopper_gpu(address));
  EXPECT_EQ(inode(), before) << "written before the loop had time";
  run_loop();
  EXPECT_NE(inode(), before);
  EXPECT_EQ(read()["devices"].size(), 4U);
}

TEST_F(StateFileTest, ReadyIsTakenBackBeforeTheLoopGoesOn) {
  open_and_write();
  manager.change_node([](NodeState& node) { node.ready = false; });
  EXPECT_EQ(read()["node"]["ready"], false);
}

TEST_F(StateFileTest, HealthyIsTakenBackBeforeTheLoopGoesOn) {
  open_and_write();
  manager.change_device("0000:65:00.0", [](DeviceSnapshot& gpu) { gpu.state = DeviceState::transitioning; });
  EXPECT_EQ(read()["devices"][0]["healthy"], false);
}

TEST_F(StateFileTest, ARemovedDeviceIsTakenOutBeforeTheLoopGoesOn) {
  open_and_write();
  manager.disappear("0000:65:00.0");
  EXPECT_TRUE(read()["devices"].empty());
}

TEST_F(StateFileTest, IsWithdrawnWhenItCannotBeWritten) {
  open_and_write();
  std::filesystem::create_directories(path.string() + ".new/in-the-way");
  manager.change_node([](NodeState& node) { node.ready = false; });
  EXPECT_FALSE(std::filesystem::exists(path)) << "still says ready";

  std::filesystem::remove_all(path.string() + ".new");
  manager.change_node([](NodeState& node) { node.generation++; });
  run_loop();
  EXPECT_EQ(read()["node"]["ready"], false);
}

TEST_F(StateFileTest, FollowsNewAliases) {
  open_and_write();
  file->set_aliases({.pgpu_alias = "gpu-for-vms", .nvswitch_alias = ""});
  run_loop();
  EXPECT_EQ(read()["devices"][0]["resource"], "nvidia.com/gpu-for-vms");
}

TEST_F(StateFileTest, BytesThatAreNoTextDoNotKeepItFromBeingWritten) {
  manager.change_device("0000:65:00.0", [](DeviceSnapshot& gpu) { gpu.name = "GH100 \xff"; });
  open_and_write();
  EXPECT_EQ(read()["devices"][0]["name"], "GH100 \xef\xbf\xbd");
}

}  // namespace
}  // namespace nvccd::test
