#include <gtest/gtest.h>

#include "client/client_error.h"
#include "client/table.h"

namespace nvccd::client {
namespace {

DeviceView gpu(const std::string& address) {
  return {.address = address,
          .kind = "gpu",
          .vendor_id = 0x10de,
          .device_id = 0x2330,
          .name = "GH100 [H100 SXM5 80GB]",
          .architecture = "hopper",
          .supported_modes = {"off", "on"},
          .driver = "vfio-pci",
          .iommu_group = 65,
          .vfio_group = "/dev/vfio/65",
          .mode = "on",
          .requested_mode = "on",
          .state = "ready"};
}

TEST(DeviceTable, IsAsWideAsItsContent) {
  DeviceView other = gpu("10000:65:00.0");
  other.name = "GB100 [B200]";
  EXPECT_EQ(render_devices({gpu("0000:65:00.0"), other}, false),
            "ADDRESS        KIND  NAME                    MODE  REQUESTED  STATE  DRIVER\n"
            "0000:65:00.0   gpu   GH100 [H100 SXM5 80GB]  on    on         ready  vfio-pci\n"
            "10000:65:00.0  gpu   GB100 [B200]            on    on         ready  vfio-pci\n");
}

TEST(DeviceTable, ShowsADashForWhatIsNotThereAndThatADeviceIsInUse) {
  DeviceView device = gpu("0000:65:00.0");
  device.driver = device.requested_mode = "";
  device.in_use = true;
  EXPECT_EQ(render_devices({device}, false),
            "ADDRESS       KIND  NAME                    MODE  REQUESTED  STATE           DRIVER\n"
            "0000:65:00.0  gpu   GH100 [H100 SXM5 80GB]  on    -          ready (in use)  -\n");
}

TEST(DeviceTable, SaysBelowItWhatIsWrongWithWhichDevice) {
  DeviceView first = gpu("0000:65:00.0");
  first.error = "no answer";
  DeviceView second = gpu("0000:66:00.0");
  second.error = "0000:66:00.0: boot: timed out";  // names the device itself
  EXPECT_TRUE(render_devices({first, second}, false)
                  .ends_with("vfio-pci\n\n0000:65:00.0: no answer\n0000:66:00.0: boot: timed out\n"));
}

TEST(DeviceTable, SaysThatThereIsNoDevice) {
  EXPECT_EQ(render_devices({}, false), "There is no NVIDIA GPU or NVSwitch.\n");
}

TEST(DeviceTable, ColoursDoNotMoveTheColumns) {
  DeviceView failed = gpu("0000:65:00.0");
  failed.state = "failed";
  std::string coloured = render_devices({failed, gpu("0000:66:00.0")}, true);
  EXPECT_TRUE(coloured.contains("\033[31mfailed\033[0m  vfio-pci\n"));
  EXPECT_TRUE(coloured.contains("\033[32mready\033[0m   vfio-pci\n"));
}

TEST(DeviceTable, ADeviceThatIsNotInItsRequestedModeStandsOut) {
  DeviceView device = gpu("0000:65:00.0");
  device.requested_mode = "off";
  EXPECT_TRUE(render_devices({device}, true).contains("\033[33mon\033[0m"));
}

TEST(NodeLines, SayWhereTheRequestedModeComesFrom) {
  NodeView node{
      .default_mode = "on", .requested_mode = "on", .mode_state = "unknown", .host_confidential = "sev-snp"};
  EXPECT_EQ(render_node(node, {}, false),
            "Mode       unknown\n"
            "Requested  on (the default)\n"
            "Ready      no\n"
            "Host       sev-snp\n");
  node.node_mode = node.requested_mode = "ppcie";
  EXPECT_TRUE(
      render_node(node, {}, false).contains("Requested  ppcie (set on this node; the default is on)\n"));
}

TEST(NodeLines, ShowTheJobThatRunsAndWhatIsWrong) {
  const NodeView node{.mode_state = "transitioning", .host_confidential = "none", .error = "1 device failed"};
  const JobView job{.kind = "set-mode",
                    .mode = "on",
                    .devices = {"a", "b"},
                    .state = "running",
                    .phase = "boot",
                    .progress = 0.456};
  EXPECT_TRUE(render_node(node, {job}, false)
                  .ends_with("Job        set-mode on: boot, 46 %, 2 devices\nError      1 device failed\n"));
}

TEST(JobLine, SaysWhatAJobWaitsFor) {
  const JobView job{.kind = "reset", .devices = {"a"}, .state = "waiting", .phase = "stage"};
  EXPECT_EQ(render_job(job), "reset: waiting, 0 %, 1 device");
}

TEST(ExitStatus, IsThatOfTheContract) {
  struct {
    const char* error;
    ExitStatus status;
  } const cases[] = {
      {"org.nvccd1.Error.DeviceBusy", ExitStatus::device_busy},
      {"org.nvccd1.Error.NotSupported", ExitStatus::not_supported},
      {"org.nvccd1.Error.HardwareFailed", ExitStatus::failed},
      {"org.nvccd1.Error.NoSuchDevice", ExitStatus::failed},
      {"org.nvccd1.Error.InvalidMode", ExitStatus::usage},
      {"org.freedesktop.DBus.Error.AccessDenied", ExitStatus::not_authorised},
      {"org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", ExitStatus::not_authorised},
      {"org.freedesktop.DBus.Error.ServiceUnknown", ExitStatus::not_reachable},
      {"org.freedesktop.DBus.Error.NoReply", ExitStatus::not_reachable},
      {"org.freedesktop.DBus.Error.Failed", ExitStatus::failed},
      {"", ExitStatus::failed},
  };
  for (const auto& [error, status] : cases)
    EXPECT_EQ(exit_status(error), status) << error;
}

}  // namespace
}  // namespace nvccd::client
