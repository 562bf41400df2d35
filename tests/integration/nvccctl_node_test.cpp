// nvccctl with the real engine and emulated devices: what an administrator does, from the command to the
// hardware.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "emulated_node.h"
#include "tests/support/child_process.h"
#include "tests/support/private_bus.h"
#include "tests/support/screen.h"

namespace nvccd::test {
namespace {

class NvccctlOnNode : public testing::Test {
 protected:
  NvccctlOnNode() {
    run_until(event.get(), [&] { return node.settled(); });
  }

  std::unique_ptr<ChildProcess> start(std::vector<std::string> arguments, bool terminal = false) {
    arguments.insert(arguments.begin(), {NVCCCTL, "--bus", bus.address()});
    return std::make_unique<ChildProcess>(
        event.get(), arguments, ChildProcess::Options{.environment = {"TERM=xterm"}, .terminal = terminal});
  }

  nlohmann::json status() {
    const auto child = start({"status", "--json"});
    EXPECT_EQ(child->wait(), 0) << child->error_output();
    return nlohmann::json::parse(child->output());
  }

  bool prints(const ChildProcess& child, const std::string& text) {
    return run_until(event.get(), [&] { return child.output().contains(text); });
  }

  EventPtr event = new_event_loop();
  PrivateBus bus;
  EmulatedNode node{event.get(), bus.address(), {}};
};

TEST_F(NvccctlOnNode, SetModeIsDoneWhenTheWholeNodeIsInTheMode) {
  const auto child = start({"set-mode", "ppcie"});
  EXPECT_EQ(child->wait(), 0) << child->error_output();
  EXPECT_TRUE(child->output().ends_with("set-mode ppcie: done, 6 devices\n")) << child->output();
  const auto now = status();
  EXPECT_EQ(now["node"]["mode_state"], "ppcie");
  EXPECT_EQ(now["node"]["ready"], true);
  EXPECT_EQ(now["jobs"].size(), 0U);
}

TEST_F(NvccctlOnNode, SetModeNamesTheDevicesThatDidNotBoot) {
  for (const unsigned n : {1U, 3U})
    ASSERT_TRUE(node.hardware(EmulatedNode::gpu(n)).set_fault("boot-never", "1"));
  const auto child = start({"set-mode", "off"}, true);
  EXPECT_EQ(child->wait(), 1);
  const std::string screen = screen_after(child->output());
  EXPECT_TRUE(screen.starts_with("nvccctl: set-mode off failed: 0000:0")) << screen;
  for (const char* address : {"0000:02:00.0: boot", "0000:04:00.0: boot"})
    EXPECT_TRUE(screen.contains(address)) << screen;
  const auto overview = start({"status"});
  EXPECT_EQ(overview->wait(), 0);
  EXPECT_TRUE(overview->output().contains("Ready      no: 2 devices failed\n")) << overview->output();
}

TEST_F(NvccctlOnNode, SetModeWaitsForAVirtualMachineOnlyIfTold) {
  ASSERT_TRUE(node.hold(EmulatedNode::gpu(0)));
  const auto refused = start({"set-mode", "off", "--no-wait"});
  EXPECT_EQ(refused->wait(), 3);
  EXPECT_TRUE(refused->error_output().contains("nvccctl set-mode off --wait waits"))
      << refused->error_output();
  const auto patient = start({"set-mode", "off", "--wait"});
  ASSERT_TRUE(prints(*patient, "set-mode off: waiting for devices in use, ")) << patient->output();
  ASSERT_TRUE(node.release(EmulatedNode::gpu(0)));
  EXPECT_EQ(patient->wait(), 0) << patient->error_output();
  EXPECT_EQ(status()["node"]["mode_state"], "off");
}

TEST_F(NvccctlOnNode, CancelEndsAChangeThatWaits) {
  ASSERT_TRUE(node.hold(EmulatedNode::gpu(0)));
  const auto change = start({"set-mode", "ppcie", "--wait"});
  ASSERT_TRUE(prints(*change, "waiting for devices in use")) << change->output();
  const auto cancel = start({"cancel"});
  EXPECT_EQ(cancel->wait(), 0) << cancel->error_output();
  EXPECT_EQ(cancel->output(), "set-mode ppcie: cancelled\n");
  EXPECT_EQ(change->wait(), 1);
  EXPECT_TRUE(change->error_output().starts_with("nvccctl: set-mode ppcie cancelled: "))
      << change->error_output();
  EXPECT_EQ(status()["node"]["requested_mode"], "on");
}

}  // namespace
}  // namespace nvccd::test
