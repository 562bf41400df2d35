#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "daemon/publish/metrics.h"
#include "tests/support/fake_manager.h"

namespace nvccd::test {
namespace {

using namespace std::chrono_literals;

class ManualClock final : public Clock {
 public:
  Duration now() const override { return at; }
  void sleep(Duration duration) override { at += duration; }
  Duration at = 5s;
};

class MetricsTest : public testing::Test {
 protected:
  void go_through(ModeState state, Duration time) {
    manager.change_node([](NodeState& node) { node.mode_state = ModeState::transitioning; });
    clock->at += time;
    manager.change_node([&](NodeState& node) { node.mode_state = state; });
  }
  void set_state(const char* address, DeviceState state) {
    manager.change_device(address, [&](DeviceSnapshot& device) { device.state = state; });
  }
  bool has(const std::string& line) const {
    return ("\n" + metrics(manager.node(), manager.devices(), statistics, "1.2.3"))
        .contains("\n" + line + "\n");
  }

  std::shared_ptr<ManualClock> clock = std::make_shared<ManualClock>();
  FakeManager manager;
  TransitionStatistics statistics{manager, clock};
};

TEST_F(MetricsTest, SayHowTheNodeIs) {
  manager.change_node([](NodeState& node) {
    node.ready = true;
    node.mode_state = ModeState::on;
  });
  EXPECT_TRUE(has("nvccd_info{version=\"1.2.3\"} 1"));
  EXPECT_TRUE(has("nvccd_node_ready 1"));
  EXPECT_TRUE(has("nvccd_node_mode_state{state=\"on\"} 1"));
  EXPECT_TRUE(has("nvccd_node_mode_state{state=\"failed\"} 0"));
}

TEST_F(MetricsTest, CountChangesAndTheirTime) {
  go_through(ModeState::on, 3s);
  go_through(ModeState::failed, 1500ms);
  EXPECT_TRUE(has("nvccd_transitions_total{result=\"done\"} 1"));
  EXPECT_TRUE(has("nvccd_transitions_total{result=\"failed\"} 1"));
  EXPECT_TRUE(has("nvccd_transition_duration_seconds_sum 4.5"));
  EXPECT_TRUE(has("nvccd_transition_duration_seconds_count 2"));
  EXPECT_TRUE(has("nvccd_transition_latest_duration_seconds 1.5"));
}

TEST_F(MetricsTest, TheResetOfOneDeviceIsNoChangeOfTheNode) {
  manager.appear(hopper_gpu("0000:65:00.0"));
  ASSERT_TRUE(manager.reset(*PciAddress::parse("0000:65:00.0")));
  go_through(ModeState::on, 3s);
  EXPECT_TRUE(has("nvccd_transitions_total{result=\"done\"} 0"));
}

TEST_F(MetricsTest, CountEachFailureOfADeviceOnce) {
  manager.appear(hopper_gpu("0000:65:00.0"));
  EXPECT_TRUE(has("nvccd_device_failures_total{address=\"0000:65:00.0\"} 0"));
  set_state("0000:65:00.0", DeviceState::failed);
  manager.change_device("0000:65:00.0", [](DeviceSnapshot& device) { device.error = "in other words"; });
  EXPECT_TRUE(has("nvccd_device_failures_total{address=\"0000:65:00.0\"} 1"));
  set_state("0000:65:00.0", DeviceState::ready);
  set_state("0000:65:00.0", DeviceState::failed);
  EXPECT_TRUE(has("nvccd_device_failures_total{address=\"0000:65:00.0\"} 2"));
  EXPECT_TRUE(has("nvccd_device_healthy{address=\"0000:65:00.0\"} 0"));
}

TEST_F(MetricsTest, AreAllInTheManualPage) {
  std::ifstream in(NVCCD_SOURCE_DIR "/docs/man/nvccd-files.5.scd");
  const std::string page{std::istreambuf_iterator<char>(in), {}};
  go_through(ModeState::on, 1s);
  std::istringstream lines(metrics(manager.node(), manager.devices(), statistics, "1"));
  for (std::string word, name; lines >> word;)
    if (word == "TYPE" && lines >> name) {
      EXPECT_TRUE(page.contains("*" + name + "*")) << name;
    }
}

TEST_F(MetricsTest, ForgetADeviceThatIsGone) {
  manager.appear(hopper_gpu("0000:65:00.0"));
  manager.disappear("0000:65:00.0");
  EXPECT_FALSE(metrics(manager.node(), manager.devices(), statistics, "1").contains("0000:65:00.0"));
}

TEST_F(MetricsTest, NamesCannotBreakTheFormat) {
  DeviceSnapshot device = hopper_gpu("0000:65:00.0");
  device.name = "a\"b\\c\nd";
  manager.appear(device);
  EXPECT_TRUE(metrics(manager.node(), manager.devices(), statistics, "1").contains(R"(name="a\"b\\c d")"));
}

}  // namespace
}  // namespace nvccd::test
