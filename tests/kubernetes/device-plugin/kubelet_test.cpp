// What the kubelet does to a plugin, and the plugin's own restarts.
#include <sys/socket.h>
#include <sys/un.h>

#include <fstream>

#include "common/base/fd.h"
#include "plugin_fixture.h"

namespace nvccd::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class KubeletTest : public PluginTest {
 protected:
  void SetUp() override { node.add_gpu(gpu_1); }

  bool registered(int times) {
    return kubelet.wait_for(pgpu, [&](const Resource& known) {
      return known.registrations >= times && known.connected && known.devices;
    });
  }
  std::filesystem::path plugin_socket() const { return node.kubelet_dir() / "nvccd-pgpu.sock"; }
};

TEST_F(KubeletTest, DevicesAreOfferedToAKubeletThatRuns) {
  start_all();
  EXPECT_TRUE(listed(pgpu, {{gpu_1_id, healthy()}}));
  const Resource known = kubelet.resource(pgpu);
  EXPECT_EQ(known.endpoint, "nvccd-pgpu.sock");
  EXPECT_TRUE(known.wants_preferred_allocation);
  EXPECT_FALSE(known.wants_pre_start);
  EXPECT_THAT(kubelet.resource_names(), ElementsAre(pgpu));
}

TEST_F(KubeletTest, ThePluginWaitsForAKubeletThatComesLater) {
  node.publish();
  start_plugin();
  kubelet.start();
  EXPECT_TRUE(listed(pgpu, {{gpu_1_id, healthy()}}));
}

TEST_F(KubeletTest, ThePluginWaitsForTheKubeletsDirectory) {
  std::filesystem::remove(node.kubelet_dir());
  node.publish();
  start_plugin();
  std::filesystem::create_directory(node.kubelet_dir());
  kubelet.start();
  EXPECT_TRUE(listed(pgpu, {{gpu_1_id, healthy()}}));
}

TEST_F(KubeletTest, AsksAndAnswersTheSameAboutItsOptions) {
  start_all();
  ASSERT_TRUE(registered(1));
  v1beta1::DevicePluginOptions options;
  ASSERT_TRUE(kubelet.options(pgpu, options).ok());
  EXPECT_TRUE(options.get_preferred_allocation_available());
  EXPECT_FALSE(options.pre_start_required());
  EXPECT_TRUE(kubelet.pre_start(pgpu).ok());
}

TEST_F(KubeletTest, ARestartedKubeletKnowsTheDevicesAgain) {
  start_all();
  ASSERT_TRUE(registered(1));
  for (int restarts = 1; restarts <= 5; ++restarts) {
    kubelet.restart();
    ASSERT_TRUE(registered(restarts + 1)) << "after restart " << restarts;
  }
  EXPECT_TRUE(listed(pgpu, {{gpu_1_id, healthy()}}));
}

TEST_F(KubeletTest, AKubeletThatIsAwayForAWhileKnowsWhatChangedMeanwhile) {
  start_all();
  ASSERT_TRUE(registered(1));
  kubelet.stop();
  node.add_gpu(gpu_2);
  node.publish();
  kubelet.start();
  EXPECT_TRUE(listed(pgpu, {{gpu_1_id, healthy()}, {gpu_2_id, healthy()}}));
}

TEST_F(KubeletTest, AKubeletThatLeavesTheSocketsAloneIsToldAgain) {
  start_all();
  ASSERT_TRUE(registered(1));
  kubelet.stop();
  kubelet.start(TestKubelet::Sockets::keep);
  EXPECT_TRUE(registered(2));
}

TEST_F(KubeletTest, ASocketThatSomebodyRemovesIsThereAgain) {
  start_all();
  ASSERT_TRUE(registered(1));
  for (int removals = 1; removals <= 3; ++removals) {
    std::filesystem::remove(plugin_socket());
    ASSERT_TRUE(registered(removals + 1)) << "after removal " << removals;
    EXPECT_TRUE(std::filesystem::is_socket(plugin_socket()));
  }
}

TEST_F(KubeletTest, ADirectoryThatWasMadeAnewIsUsed) {
  start_all();
  ASSERT_TRUE(registered(1));
  kubelet.stop();
  std::filesystem::remove_all(node.kubelet_dir());
  std::filesystem::create_directory(node.kubelet_dir());
  kubelet.start();
  EXPECT_TRUE(registered(2));
}

// As systemd makes it for the unit: everything read-only but the kubelet's directory, by a mount on top of
// it.
std::vector<std::string> sandbox(const TestNode& node) {
  constexpr auto script = R"(
    mount --bind "$1" "$1"
    mount --bind "$2" "$2"
    mount -o remount,bind,ro "$1"
    shift 2
    exec "$@")";
  return {"unshare", "--mount", "sh", "-ec", script, "sh", node.path(""), node.kubelet_dir()};
}

TEST_F(KubeletTest, ADirectoryThatWasMadeAnewOutsideOfTheSandboxEndsThePluginSoThatItGetsAnother) {
  if (std::system("unshare --mount true 2>/dev/null") != 0) GTEST_SKIP() << "not allowed to mount";
  node.publish();
  kubelet.start();
  plugin.emplace(node, sandbox(node));
  ASSERT_TRUE(registered(1));
  kubelet.stop();
  std::filesystem::remove_all(node.kubelet_dir());
  std::filesystem::create_directory(node.kubelet_dir());
  kubelet.start();
  EXPECT_EQ(plugin->wait(), EXIT_FAILURE);
  EXPECT_THAT(plugin->log(), HasSubstr("was made anew and cannot be written to"));
  plugin.emplace(node, sandbox(node));
  EXPECT_TRUE(registered(2));
}

TEST_F(KubeletTest, ACrashedKubeletThatLeftItsSocketIsWaitedFor) {
  start_all();
  ASSERT_TRUE(registered(1));
  kubelet.crash();
  kubelet.start();
  EXPECT_TRUE(registered(2));
}

TEST_F(KubeletTest, ARefusedRegistrationIsTriedAgain) {
  kubelet.refuse(2);
  start_all();
  EXPECT_TRUE(registered(1));
}

TEST_F(KubeletTest, APluginThatWasKilledComesBackAndOnlyItsOwnSocketsAreRemoved) {
  start_all();
  ASSERT_TRUE(registered(1));
  plugin->kill();
  ASSERT_TRUE(std::filesystem::is_socket(plugin_socket()));
  const auto stale = node.kubelet_dir() / "nvccd-alias-of-long-ago.sock";
  const auto foreign = node.kubelet_dir() / "sandbox-pgpu.sock";
  for (const auto& path : {stale, foreign}) {
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.string().copy(address.sun_path, sizeof(address.sun_path) - 1);
    ASSERT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }
  std::ofstream(node.kubelet_dir() / "kubelet_internal_checkpoint") << "{}";

  start_plugin();
  EXPECT_TRUE(registered(2));
  EXPECT_FALSE(std::filesystem::exists(stale));
  EXPECT_TRUE(std::filesystem::exists(foreign));
  EXPECT_TRUE(std::filesystem::exists(node.kubelet_dir() / "kubelet_internal_checkpoint"));
}

TEST_F(KubeletTest, APluginThatIsStoppedLeavesNoSocketAndTheKubeletNotices) {
  start_all();
  ASSERT_TRUE(registered(1));
  EXPECT_EQ(plugin->stop(), EXIT_SUCCESS);
  plugin.reset();
  EXPECT_FALSE(std::filesystem::exists(plugin_socket()));
  EXPECT_TRUE(kubelet.wait_for(pgpu, [](const Resource& known) { return !known.connected; }));
}

TEST_F(KubeletTest, ASecondPluginDoesNotTakeTheSocketsOfTheFirst) {
  start_all();
  ASSERT_TRUE(registered(1));
  {
    PluginProcess second(node);
    EXPECT_EQ(second.wait(), EXIT_FAILURE);
    EXPECT_THAT(second.log(), HasSubstr("another nvccd-device-plugin serves"));
  }
  EXPECT_EQ(kubelet.resource(pgpu).registrations, 1);
  EXPECT_TRUE(kubelet.resource(pgpu).connected);
}

TEST_F(KubeletTest, AFileInTheWayOfASocketIsReportedAndNotRemoved) {
  std::ofstream(plugin_socket()) << "important";
  node.add_switch(switch_1);
  start_all();
  EXPECT_TRUE(listed(nvswitch, {{switch_1_id, healthy()}})) << "other resources do not suffer";
  EXPECT_TRUE(std::filesystem::is_regular_file(plugin_socket()));
  EXPECT_THAT(plugin->log(), HasSubstr("cannot serve nvidia.com/pgpu on " + plugin_socket().string()));
  std::filesystem::remove(plugin_socket());
  EXPECT_TRUE(registered(1));
}

}  // namespace
}  // namespace nvccd::test
