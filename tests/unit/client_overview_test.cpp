#include "client/overview.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "client_views.h"

namespace nvccd::client {
namespace {

std::size_t widest_line(const std::string& text) {
  std::size_t widest = 0;
  for (const std::string& line : split_lines(text))
    widest = std::max(widest, columns_of(line));
  return widest;
}

TEST(DeviceTable, IsAsWideAsItsContent) {
  DeviceView other = gpu("10000:65:00.0");
  other.name = "GB100 [B200]";
  EXPECT_EQ(render_devices({gpu("0000:65:00.0"), other}, {}),
            "ADDRESS        KIND  NAME                    MODE  STATE  DRIVER\n"
            "0000:65:00.0   gpu   GH100 [H100 SXM5 80GB]  on    ready  vfio-pci\n"
            "10000:65:00.0  gpu   GB100 [B200]            on    ready  vfio-pci\n");
}

TEST(DeviceTable, ShowsADashForWhatIsNotThereAndThatADeviceIsInUse) {
  DeviceView device = gpu("0000:65:00.0");
  device.driver = "";
  device.requested_mode = {};
  device.in_use = true;
  EXPECT_EQ(render_devices({device}, {}),
            "ADDRESS       KIND  NAME                    MODE  STATE           DRIVER\n"
            "0000:65:00.0  gpu   GH100 [H100 SXM5 80GB]  on    ready (in use)  -\n");
}

TEST(DeviceTable, SaysBelowItWhatIsWrongWithWhichDevice) {
  DeviceView first = gpu("0000:65:00.0");
  first.error = "no answer";
  DeviceView second = gpu("0000:66:00.0");
  second.error = "0000:66:00.0: boot: timed out";  // names the device itself
  EXPECT_TRUE(render_devices({first, second}, {})
                  .ends_with("vfio-pci\n\n0000:65:00.0: no answer\n0000:66:00.0: boot: timed out\n"));
}

TEST(DeviceTable, SaysThatThereIsNoDevice) {
  EXPECT_EQ(render_devices({}, {}), "There is no NVIDIA GPU or NVSwitch.\n");
}

TEST(DeviceTable, ADeviceThatIsNotInItsRequestedModeStandsOut) {
  DeviceView device = gpu("0000:65:00.0");
  device.requested_mode = Mode::off;
  EXPECT_TRUE(render_devices({device}, {.colour = true}).contains("\033[33mon -> off\033[0m"));
}

TEST(DeviceTable, HasNoColourWhereThereIsNoTrouble) {
  const std::string table = render_devices({gpu("0000:65:00.0")}, {.colour = true});
  EXPECT_FALSE(table.substr(table.find('\n')).contains('\033')) << table;
}

// The longest names of pci.ids, modes, states and drivers at once.
TEST(Overview, FitsInto80ColumnsWithRealNamesAndErrors) {
  DeviceView changing = gpu("0000:65:00.0");
  changing.mode = Mode::off;
  changing.requested_mode = Mode::devtools;
  changing.state = DeviceState::transitioning;
  DeviceView grace = gpu("0009:01:00.0");
  grace.name = "GB202GL [RTX PRO 6000 Blackwell Max-Q Workstation Edition]";
  grace.driver = "nvgrace-gpu-vfio-pci";
  grace.in_use = true;
  DeviceView failed = nvswitch("0000:83:00.0");
  failed.state = DeviceState::failed;
  failed.error =
      "0000:83:00.0: boot: the device did not finish this step in time; the kernel may still be waiting for "
      "it; "
      "reset or power-cycle the device";
  Snapshot snapshot{.node = {.default_mode = Mode::devtools,
                             .node_mode = Mode::ppcie,
                             .requested_mode = Mode::ppcie,
                             .mode_state = ModeState::failed,
                             .host_confidential = HostConfidential::sev_snp,
                             .error = failed.error},
                    .devices = {changing, grace, failed}};
  snapshot.jobs = {
      {.kind = JobKind::set_mode, .mode = Mode::ppcie, .devices = {"a"}, .state = JobState::waiting}};
  const Page page{.width = 80};
  const std::string text = render_node(snapshot, page) + render_devices(snapshot.devices, page);
  EXPECT_LE(widest_line(text), 80U) << text;
  EXPECT_TRUE(
      text.contains("0000:83:00.0: boot: the device did not finish this step in time; the kernel may\n"
                    "  still be waiting for it; reset or power-cycle the device\n"))
      << text;
  EXPECT_EQ(text.find("did not finish"), text.rfind("did not finish")) << "told once\n" << text;
}

TEST(DeviceTable, UsesTheWidthOfAWiderTerminal) {
  EXPECT_EQ(render_devices({gpu("0000:65:00.0")}, {.width = 200}), render_devices({gpu("0000:65:00.0")}, {}));
}

TEST(DeviceTable, NamesWhatIsSoldWhereNamesDoNotFit) {
  DeviceView device = gpu("0000:65:00.0");
  device.requested_mode = Mode::ppcie;
  device.state = DeviceState::transitioning;
  EXPECT_EQ(render_devices({device, nvswitch("0000:83:00.0")}, {.width = 79}),
            "ADDRESS       KIND      NAME            MODE         STATE          DRIVER\n"
            "0000:65:00.0  gpu       H100 SXM5 80GB  on -> ppcie  transitioning  vfio-pci\n"
            "0000:83:00.0  nvswitch  H100 NVSwitch   off          ready          vfio-pci\n");
}

TEST(NodeLines, SayWhereTheRequestedModeComesFrom) {
  Snapshot snapshot{.node = {.default_mode = Mode::on,
                             .requested_mode = Mode::on,
                             .mode_state = ModeState::on,
                             .ready = true,
                             .host_confidential = HostConfidential::sev_snp}};
  EXPECT_EQ(render_node(snapshot, {}),
            "Mode       on\n"
            "Requested  on (the default)\n"
            "Ready      yes\n"
            "Host       sev-snp\n");
  snapshot.node.node_mode = snapshot.node.requested_mode = Mode::ppcie;
  EXPECT_TRUE(render_node(snapshot, {}).contains("Requested  ppcie (set on this node; the default is on)\n"));
}

TEST(NodeLines, ShowTheJobThatRunsAndWhatIsWrong) {
  const Snapshot snapshot{.node = {.requested_mode = Mode::on,
                                   .mode_state = ModeState::transitioning,
                                   .host_confidential = HostConfidential::none,
                                   .error = "the settings are broken"},
                          .jobs = {{.kind = JobKind::set_mode,
                                    .mode = Mode::on,
                                    .devices = {"a", "b"},
                                    .state = JobState::running,
                                    .phase = JobPhase::boot,
                                    .progress = 0.456}}};
  EXPECT_EQ(render_node(snapshot, {}),
            "Mode       transitioning\n"
            "Requested  on (the default)\n"
            "Ready      no: set-mode on is under way\n"
            "Host       not confidential\n"
            "Job        set-mode on: booting, 46 %, 2 devices\n"
            "Error      the settings are broken\n");
}

TEST(NodeLines, ColourTroubleOnly) {
  Snapshot snapshot{.node = {.requested_mode = Mode::off,
                             .mode_state = ModeState::off,
                             .host_confidential = HostConfidential::tdx},
                    .devices = {gpu("0000:65:00.0")}};
  const auto has_colour = [&] { return render_node(snapshot, {.colour = true}).contains("\033[3"); };
  EXPECT_FALSE(has_colour()) << "not ready, but as somebody wants it";
  snapshot.node.mode_state = ModeState::failed;
  EXPECT_TRUE(has_colour());
}

TEST(DeviceLines, WrapWhatIsLong) {
  DeviceView device = gpu("0000:65:00.0");
  device.error = "the firmware answered 0x202 to a write of knob 8, which means that it does not like it";
  const std::string text = render_device(device, {.width = 60});
  EXPECT_LE(widest_line(text), 60U) << text;
  EXPECT_TRUE(
      text.contains("Error            the firmware answered 0x202 to a write of\n"
                    "                 knob 8, which means that it does not like\n"
                    "                 it\n"))
      << text;
}

}  // namespace
}  // namespace nvccd::client
