#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "daemon/publish/published_files.h"
#include "tests/support/event_loop.h"
#include "tests/support/fake_manager.h"
#include "tests/support/temporary_directory.h"

namespace nvccd::test {
namespace {

class PublishedFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    manager.appear(hopper_gpu("0000:65:00.0"));
    manager.change_node([](NodeState& node) { node.ready = true; });
  }

  void open() {
    const PublishPlaces places{.runtime = directory.path() / "run",
                               .node_features = directory.path() / "features.d",
                               .cdi = directory.path() / "cdi"};
    auto created = PublishedFiles::create(event.get(), manager, statistics, places, settings);
    ASSERT_TRUE(created) << created.error().message();
    files = std::move(*created);
  }
  void open_and_write() {
    open();
    files->write();
  }
  nlohmann::json read() const { return nlohmann::json::parse(std::ifstream(path)); }
  // Lets the loop do what is due, without waiting.
  void run_loop() {
    while (sd_event_run(event.get(), 0) > 0)
      continue;
  }
  void write(const std::string& file, const char* content) const {
    const auto to = directory.path() / file;
    std::filesystem::create_directories(to.parent_path());
    std::ofstream(to) << content;
  }
  std::string text(const std::string& file) const {
    std::ifstream in(directory.path() / file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // All files, below the directory.
  std::set<std::string> present() const {
    std::set<std::string> files_there;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory.path()))
      if (entry.is_regular_file())
        files_there.insert(entry.path().lexically_relative(directory.path()).string());
    return files_there;
  }
  ino_t inode() const {
    struct stat status{};
    ::stat(path.c_str(), &status);
    return status.st_ino;
  }

  TemporaryDirectory directory;
  std::filesystem::path path = directory.path() / "run/state.json";
  EventPtr event = new_event_loop();
  FakeManager manager;
  TransitionStatistics statistics{manager, std::make_shared<SteadyClock>()};
  PublishSettings settings;
  std::unique_ptr<PublishedFiles> files;
};

TEST_F(PublishedFilesTest, EverybodyCanReadThemWhateverTheUmask) {
  const mode_t before = ::umask(0077);
  open_and_write();
  ::umask(before);
  for (const std::string& file : present()) {
    struct stat status{};
    ASSERT_EQ(::stat((directory.path() / file).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0644U) << file;
  }
  EXPECT_EQ(read()["devices"].size(), 1U);
}

TEST_F(PublishedFilesTest, WhatAnEarlierRunLeftBehindIsGoneBeforeAnythingIsKnown) {
  for (const auto* left :
       {"run/state.json", "run/nvccd.prom", "features.d/nvccd", "cdi/nvccd-nvidia.com-pgpu.json"})
    write(left, "whatever was true then");
  write("cdi/nvidia.com-gpu.yaml", "of somebody else");
  open();
  EXPECT_EQ(present(), std::set<std::string>{"cdi/nvidia.com-gpu.yaml"});
}

TEST_F(PublishedFilesTest, AreGoneWhenTheDaemonStops) {
  open_and_write();
  EXPECT_EQ(present(), (std::set<std::string>{"run/state.json", "run/nvccd.prom", "features.d/nvccd",
                                              "cdi/nvccd-nvidia.com-pgpu.json"}));
  files.reset();
  EXPECT_TRUE(present().empty());
}

TEST_F(PublishedFilesTest, ManyChangesAtATimeCostOneWrite) {
  open_and_write();
  const ino_t before = inode();
  for (const char* address : {"0000:66:00.0", "0000:67:00.0", "0000:68:00.0"})
    manager.appear(hopper_gpu(address));
  EXPECT_EQ(inode(), before) << "written before the loop had time";
  run_loop();
  EXPECT_NE(inode(), before);
  EXPECT_EQ(read()["devices"].size(), 4U);
}

TEST_F(PublishedFilesTest, WhoeverHasWaitedForAJobReadsWhatItDid) {
  open_and_write();
  const JobId job = manager.start_job({.id = 1});
  manager.change_node([](NodeState& node) { node.mode_state = ModeState::ppcie; });
  manager.end_job(job, JobState::done);
  EXPECT_EQ(read()["node"]["mode_state"], "ppcie") << "written before the loop goes on";
}

TEST_F(PublishedFilesTest, ReadyIsTakenBackBeforeTheLoopGoesOn) {
  open_and_write();
  manager.change_node([](NodeState& node) { node.ready = false; });
  EXPECT_EQ(read()["node"]["ready"], false);
  EXPECT_TRUE(text("features.d/nvccd").contains("nvidia.com/cc.ready.state=false\n"));
}

TEST_F(PublishedFilesTest, HealthyIsTakenBackBeforeTheLoopGoesOn) {
  open_and_write();
  manager.change_device("0000:65:00.0", [](DeviceSnapshot& gpu) { gpu.state = DeviceState::transitioning; });
  EXPECT_EQ(read()["devices"][0]["healthy"], false);
  EXPECT_FALSE(present().contains("cdi/nvccd-nvidia.com-pgpu.json"));
}

TEST_F(PublishedFilesTest, ARemovedDeviceIsTakenOutBeforeTheLoopGoesOn) {
  open_and_write();
  manager.disappear("0000:65:00.0");
  EXPECT_TRUE(read()["devices"].empty());
}

TEST_F(PublishedFilesTest, IsWithdrawnWhenItCannotBeWritten) {
  open_and_write();
  std::filesystem::create_directories(path.parent_path() / ".state.json.new/in-the-way");
  manager.change_node([](NodeState& node) { node.ready = false; });
  EXPECT_FALSE(std::filesystem::exists(path)) << "still says ready";

  std::filesystem::remove_all(path.parent_path() / ".state.json.new");
  manager.change_node([](NodeState& node) { node.generation++; });
  run_loop();
  EXPECT_EQ(read()["node"]["ready"], false);
}

TEST_F(PublishedFilesTest, FollowsNewAliases) {
  open_and_write();
  files->set_settings({.aliases = {.pgpu_alias = "gpu-for-vms", .nvswitch_alias = ""}});
  run_loop();
  EXPECT_EQ(read()["devices"][0]["resource"], "nvidia.com/gpu-for-vms");
  EXPECT_TRUE(present().contains("cdi/nvccd-nvidia.com-gpu-for-vms.json"));
  EXPECT_FALSE(present().contains("cdi/nvccd-nvidia.com-pgpu.json")) << "nobody would withdraw it any more";
}

TEST_F(PublishedFilesTest, WritesNoFilesForKubernetesWhereTheSettingsSaySo) {
  open_and_write();
  files->set_settings({.node_features = false, .cdi = false});
  run_loop();
  EXPECT_EQ(present(), (std::set<std::string>{"run/state.json", "run/nvccd.prom"}));
}

TEST_F(PublishedFilesTest, AFileThatCannotBeWrittenDoesNotKeepTheOthersBack) {
  write("features.d", "no directory");
  open_and_write();
  EXPECT_EQ(read()["node"]["ready"], true);
  EXPECT_TRUE(present().contains("cdi/nvccd-nvidia.com-pgpu.json"));
}

TEST_F(PublishedFilesTest, BytesThatAreNoTextDoNotKeepItFromBeingWritten) {
  manager.change_device("0000:65:00.0", [](DeviceSnapshot& gpu) { gpu.name = "GH100 \xff"; });
  open_and_write();
  EXPECT_EQ(read()["devices"][0]["name"], "GH100 \xef\xbf\xbd");
}

}  // namespace
}  // namespace nvccd::test
