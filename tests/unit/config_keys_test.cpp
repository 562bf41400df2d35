// Each key of the settings on its own: what it sets, what it accepts, and where an error is said to be.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "common/config/settings_file.h"

namespace nvccd {
namespace {

using namespace std::chrono_literals;

Settings expect_settings(std::string_view text) {
  const auto loaded = parse_settings(text, "nvccd.toml");
  EXPECT_TRUE(loaded) << loaded.error().message();
  if (!loaded) return {};
  EXPECT_THAT(loaded->warnings, testing::IsEmpty());
  return loaded->settings;
}

std::string expect_error(std::string_view text) {
  const auto loaded = parse_settings(text, "nvccd.toml");
  EXPECT_FALSE(loaded) << "accepted: " << text;
  if (loaded) return {};
  EXPECT_EQ(loaded.error().kind, ErrorKind::invalid_config);
  return loaded.error().message();
}

TEST(SettingsKeys, NothingSaidMeansTheDefaults) {
  EXPECT_EQ(expect_settings(""), Settings());
  EXPECT_EQ(expect_settings("# a comment\n[mode]\n[vfio]\n"), Settings());
}

struct Key {
  const char* text;
  std::function<void(Settings&)> change;
};

class SettingsKey : public testing::TestWithParam<Key> {};

// The whole of the settings is compared: a key changes what it is for and nothing else.
TEST_P(SettingsKey, SetsItsValueAndNothingElse) {
  Settings expected;
  GetParam().change(expected);
  ASSERT_NE(expected, Settings()) << "a key that changes nothing is not tested";
  EXPECT_EQ(expect_settings(GetParam().text), expected);
}

INSTANTIATE_TEST_SUITE_P(
    Keys, SettingsKey,
    testing::Values(
        Key{"mode.default = 'off'", [](Settings& s) { s.mode.default_mode = Mode::off; }},
        Key{"mode.default = 'devtools'", [](Settings& s) { s.mode.default_mode = Mode::devtools; }},
        Key{"mode.node = 'off'", [](Settings& s) { s.mode.node = Mode::off; }},
        Key{"mode.node = 'ppcie'", [](Settings& s) { s.mode.node = Mode::ppcie; }},
        Key{"mode.require_confidential_host = false",
            [](Settings& s) { s.mode.require_confidential_host = false; }},
        Key{"vfio.bind = false", [](Settings& s) { s.vfio.bind = false; }},
        Key{"vfio.driver = 'nvgrace-gpu-vfio-pci'",
            [](Settings& s) { s.vfio.driver = "nvgrace-gpu-vfio-pci"; }},
        Key{"vfio.takeover = 'never'", [](Settings& s) { s.vfio.takeover = Takeover::never; }},
        Key{"transition.busy = 'refuse'", [](Settings& s) { s.transition.busy = WhenBusy::refuse; }},
        Key{"transition.boot_timeout = '500ms'", [](Settings& s) { s.transition.boot_timeout = 500ms; }},
        Key{"transition.boot_timeout = '90s'", [](Settings& s) { s.transition.boot_timeout = 90s; }},
        Key{"transition.boot_timeout = '60min'", [](Settings& s) { s.transition.boot_timeout = 1h; }},
        Key{"transition.retries = 0", [](Settings& s) { s.transition.retries = 0; }},
        Key{"transition.retries = 10", [](Settings& s) { s.transition.retries = 10; }},
        Key{"kubernetes.pgpu_alias = ''", [](Settings& s) { s.kubernetes.pgpu_alias = ""; }},
        Key{"kubernetes.nvswitch_alias = 'switch'",
            [](Settings& s) { s.kubernetes.nvswitch_alias = "switch"; }},
        Key{"kubernetes.node_features = false", [](Settings& s) { s.kubernetes.node_features = false; }},
        Key{"kubernetes.cdi = false", [](Settings& s) { s.kubernetes.cdi = false; }},
        Key{"[[device]]\nmatch = {}\nmanaged = false",
            [](Settings& s) { s.devices = {{.match = {}, .managed = false, .mode = {}}}; }},
        Key{"[[device]]\nmatch = { address = '0000:65:00.0' }\nmode = 'off'",
            [](Settings& s) {
              s.devices = {{.match = {.address = PciAddress{0, 0x65, 0, 0}, .device_id = {}, .kind = {}},
                            .managed = true,
                            .mode = Mode::off}};
            }},
        Key{"[[device]]\nmatch = { device_id = '233a', kind = 'gpu' }",
            [](Settings& s) {
              s.devices = {{.match = {.address = {}, .device_id = 0x233a, .kind = DeviceKind::gpu},
                            .managed = true,
                            .mode = {}}};
            }},
        Key{"[[device]]\nmatch = { kind = 'nvswitch' }\nmode = 'ppcie'", [](Settings& s) {
              s.devices = {{.match = {.address = {}, .device_id = {}, .kind = DeviceKind::nvswitch},
                            .managed = true,
                            .mode = Mode::ppcie}};
            }}));

struct Mistake {
  const char* text;
  const char* message;
};

class SettingsMistake : public testing::TestWithParam<Mistake> {};

TEST_P(SettingsMistake, IsNamedWithFileLineAndColumn) {
  EXPECT_EQ(expect_error(GetParam().text), std::string("nvccd.toml:") + GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    WrongValues, SettingsMistake,
    testing::Values(
        Mistake{"[mode]\ndefault = 'sideways'", "2:11: mode.default must be \"off\", \"on\" or \"devtools\""},
        Mistake{"[mode]\n\ndefault = 'ppcie'", "3:11: mode.default must be \"off\", \"on\" or \"devtools\""},
        Mistake{"[mode]\ndefault = true", "2:11: mode.default must be \"off\", \"on\" or \"devtools\""},
        Mistake{"[mode]\nnode = 'On'", "2:8: mode.node must be \"off\", \"on\", \"devtools\" or \"ppcie\""},
        Mistake{"[mode]\nnode = 1", "2:8: mode.node must be \"off\", \"on\", \"devtools\" or \"ppcie\""},
        Mistake{"[mode]\nrequire_confidential_host = 'yes'",
                "2:29: mode.require_confidential_host must be true or false"},
        Mistake{"[vfio]\nbind = 1", "2:8: vfio.bind must be true or false"},
        Mistake{"[vfio]\ndriver = ''", "2:10: vfio.driver must be \"auto\" or the name of a driver"},
        Mistake{"[vfio]\ndriver = '../vfio-pci'",
                "2:10: vfio.driver must be \"auto\" or the name of a driver"},
        Mistake{"[vfio]\ndriver = ['vfio-pci']",
                "2:10: vfio.driver must be \"auto\" or the name of a driver"},
        Mistake{"[vfio]\ntakeover = 'always'", "2:12: vfio.takeover must be \"never\" or \"idle\""},
        Mistake{"[transition]\nbusy = 'kill'", "2:8: transition.busy must be \"wait\" or \"refuse\""},
        Mistake{"[transition]\n  retries = 11",
                "2:13: transition.retries must be a whole number from 0 to 10"},
        Mistake{"[transition]\nretries = -1", "2:11: transition.retries must be a whole number from 0 to 10"},
        Mistake{"[transition]\nretries = 2.0",
                "2:11: transition.retries must be a whole number from 0 to 10"},
        Mistake{"[transition]\nretries = 4294967298",
                "2:11: transition.retries must be a whole number from 0 to 10"},
        Mistake{"[kubernetes]\ncdi = 'true'", "2:7: kubernetes.cdi must be true or false"},
        Mistake{"[kubernetes]\nnode_features = 0", "2:17: kubernetes.node_features must be true or false"},
        Mistake{"[kubernetes]\npgpu_alias = 'nvidia.com/gpu'",
                "2:14: kubernetes.pgpu_alias must be letters, digits, '-' and '_', beginning with a letter, "
                "at most 63"},
        Mistake{"[kubernetes]\nnvswitch_alias = 5",
                "2:18: kubernetes.nvswitch_alias must be letters, digits, '-' and '_', beginning with a "
                "letter, at most 63"},
        Mistake{"mode = 'on'", "1:8: mode must be a table"},
        Mistake{"vfio = []", "1:8: vfio must be a table"},
        Mistake{"device = 'gpu'", "1:10: device must be an array of tables, written [[device]]"},
        Mistake{"device = [1]", "1:10: device must be an array of tables, written [[device]]"},
        Mistake{"[device]\nmanaged = false", "1:1: device must be an array of tables, written [[device]]"},
        Mistake{"[[device]]\nmatch = { adress = '0000:65:00.0' }\nmanaged = false",
                "2:9: match needs an address, a device_id or a kind; {} is for every device"},
        Mistake{"[[device]]\nmanaged = false",
                "1:1: a [[device]] section needs match = { ... } to say which devices it is for"},
        Mistake{"[[device]]\nmatch = 'gpu'", "2:9: device.match must be a table"},
        Mistake{"[[device]]\nmatch = { address = '65:00.0' }",
                "2:21: device.match.address must be a PCI address such as \"0000:65:00.0\""},
        Mistake{"[[device]]\nmatch = { device_id = 0x2330 }",
                "2:23: device.match.device_id must be four hexadecimal digits such as \"2330\""},
        Mistake{"[[device]]\nmatch = { device_id = '0x2330' }",
                "2:23: device.match.device_id must be four hexadecimal digits such as \"2330\""},
        Mistake{"[[device]]\nmatch = { kind = 'audio' }",
                "2:18: device.match.kind must be \"gpu\" or \"nvswitch\""},
        Mistake{"[[device]]\nmatch = {}\nmanaged = 'no'", "3:11: device.managed must be true or false"},
        Mistake{"[[device]]\nmatch = {}\nmode = 'x'",
                "3:8: device.mode must be \"off\", \"on\", \"devtools\" or \"ppcie\""}));

class BootTimeoutMistake : public testing::TestWithParam<const char*> {};

TEST_P(BootTimeoutMistake, IsRefused) {
  EXPECT_EQ(expect_error(std::string("[transition]\nboot_timeout = ") + GetParam()),
            "nvccd.toml:2:16: transition.boot_timeout must be a time such as \"60s\", \"500ms\" or \"2min\", "
            "at most an hour");
}

INSTANTIATE_TEST_SUITE_P(Values, BootTimeoutMistake,
                         testing::Values("60", "'60'", "'0s'", "'-1s'", "'61min'", "'3601s'", "'1h'", "'s'",
                                         "''", "'1.5s'", "'60 s'", "' 60s'", "'99999999999999999999s'",
                                         "'9223372036854775807min'"));

TEST(SettingsText, ThatIsNoTomlIsNamedWithFileLineAndColumn) {
  EXPECT_THAT(expect_error("[mode]\ndefault = "), testing::StartsWith("nvccd.toml:2:11: "));
  EXPECT_THAT(expect_error("[mode\n"), testing::StartsWith("nvccd.toml:1:6: "));
  EXPECT_THAT(expect_error("[mode]\ndefault = 'on'\ndefault = 'off'"), testing::StartsWith("nvccd.toml:3:"));
}

TEST(SettingsText, SeveralMistakesAreToldOneAtATime) {
  EXPECT_THAT(expect_error("[vfio]\nbind = 1\n[mode]\ndefault = 5"),
              testing::StartsWith("nvccd.toml:4:11: mode.default"));
}

TEST(UnknownSettings, AreWarningsThatSayWhereTheyStand) {
  const auto loaded = parse_settings(
      "colour = 1\n[mode]\n  defualt = 'off'\n[[device]]\nmatch = { kind = 'gpu', adress = '' }\nnot_managed "
      "= 1\n[gpu]\n",
      "nvccd.toml");
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_THAT(loaded->warnings,
              testing::UnorderedElementsAre("nvccd.toml:1:1: unknown setting colour, ignored",
                                            "nvccd.toml:3:3: unknown setting mode.defualt, ignored",
                                            "nvccd.toml:5:25: unknown setting device.match.adress, ignored",
                                            "nvccd.toml:6:1: unknown setting device.not_managed, ignored",
                                            "nvccd.toml:7:2: unknown setting gpu, ignored"));
  EXPECT_EQ(loaded->settings.mode, ModeSettings());
}

}  // namespace
}  // namespace nvccd
