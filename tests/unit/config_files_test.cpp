// Several files together: which of them counts, and the file that we ship.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <regex>
#include <sstream>

#include "common/config/settings_file.h"
#include "tests/support/temporary_directory.h"

namespace nvccd {
namespace {

std::string read(const std::filesystem::path& file) {
  std::stringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

class SettingsFiles : public testing::Test {
 protected:
  void write(const std::filesystem::path& name, std::string_view text) {
    const auto file = directory_.path() / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  Result<LoadedSettings> load() const {
    return load_settings(directory_.path() / "nvccd.toml", directory_.path() / "nvccd.toml.d");
  }

  Settings expect_loaded() const {
    const auto loaded = load();
    EXPECT_TRUE(loaded) << loaded.error().message();
    return loaded ? loaded->settings : Settings();
  }

  void expect_refused(const std::string& why) const {
    const auto loaded = load();
    ASSERT_FALSE(loaded) << why;
    EXPECT_EQ(loaded.error().kind, ErrorKind::invalid_config);
    EXPECT_THAT(loaded.error().message(), testing::HasSubstr(why));
  }

  test::TemporaryDirectory directory_;
};

TEST_F(SettingsFiles, NoneAtAllMeansTheDefaults) {
  EXPECT_EQ(expect_loaded(), Settings());
}

TEST_F(SettingsFiles, ADropInReplacesTheKeysItNamesAndNoOthers) {
  write("nvccd.toml", "[mode]\ndefault = 'off'\nnode = 'devtools'\n[transition]\nretries = 7\n");
  write("nvccd.toml.d/50-site.toml", "[mode]\ndefault = 'devtools'\n");
  const auto settings = expect_loaded();
  EXPECT_EQ(settings.mode.default_mode, Mode::devtools);
  EXPECT_EQ(settings.mode.node, Mode::devtools);
  EXPECT_EQ(settings.transition.retries, 7U);
}

TEST_F(SettingsFiles, TheLastDropInByNameWins) {
  write("nvccd.toml.d/90-last.toml", "transition.retries = 9");
  write("nvccd.toml.d/10-first.toml", "transition.retries = 1");
  write("nvccd.toml.d/50-middle.toml", "transition.retries = 5");
  EXPECT_EQ(expect_loaded().transition.retries, 9U);
}

TEST_F(SettingsFiles, DropInsCountWithoutAMainFile) {
  write("nvccd.toml.d/a.toml", "vfio.bind = false");
  EXPECT_FALSE(expect_loaded().vfio.bind);
}

TEST_F(SettingsFiles, FilesOfAnotherNameAreLeftAlone) {
  write("nvccd.toml.d/a.toml.dpkg-old", "this is no TOML");
  write("nvccd.toml.d/README", "neither is this");
  write("nvccd.toml.d/b.toml~", "nor this");
  EXPECT_EQ(expect_loaded(), Settings());
}

TEST_F(SettingsFiles, AMistakeInADropInNamesTheDropIn) {
  write("nvccd.toml", "mode.default = 'off'");
  write("nvccd.toml.d/50-site.toml", "\n[mode]\ndefault = 'of'\n");
  const auto loaded = load();
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().message(), (directory_.path() / "nvccd.toml.d/50-site.toml").string() +
                                          ":3:11: mode.default must be \"off\", \"on\" or \"devtools\"");
}

TEST_F(SettingsFiles, WarningsOfAllFilesAreKept) {
  write("nvccd.toml", "a = 1");
  write("nvccd.toml.d/1.toml", "b = 1");
  write("nvccd.toml.d/2.toml", "c = 1");
  const auto loaded = load();
  ASSERT_TRUE(loaded);
  EXPECT_THAT(loaded->warnings, testing::ElementsAre(testing::HasSubstr("nvccd.toml:1:1: unknown setting a"),
                                                     testing::HasSubstr("1.toml:1:1: unknown setting b"),
                                                     testing::HasSubstr("2.toml:1:1: unknown setting c")));
}

// The first matching section counts, and a later file comes before an earlier one: a drop-in can so make an
// exception from an exception of the main file.
TEST_F(SettingsFiles, DeviceSectionsOfALaterFileComeFirst) {
  write("nvccd.toml",
        "[[device]]\nmatch = { kind = 'gpu' }\nmode = 'off'\n"
        "[[device]]\nmatch = { kind = 'nvswitch' }\nmanaged = false\n");
  write("nvccd.toml.d/1.toml", "[[device]]\nmatch = { device_id = '2330' }\nmode = 'devtools'\n");
  write("nvccd.toml.d/2.toml",
        "[[device]]\nmatch = { device_id = '2331' }\nmode = 'on'\n"
        "[[device]]\nmatch = { device_id = '2339' }\nmode = 'ppcie'\n");
  std::vector<std::optional<Mode>> modes;
  for (const auto& device : expect_loaded().devices)
    modes.push_back(device.mode);
  EXPECT_THAT(modes, testing::ElementsAre(Mode::on, Mode::ppcie, Mode::devtools, Mode::off, std::nullopt));
}

TEST_F(SettingsFiles, AFileThatIsNamedMustExist) {
  const auto loaded = load_single_file(directory_.path() / "missing.toml");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().kind, ErrorKind::invalid_config);
  EXPECT_THAT(loaded.error().message(), testing::HasSubstr("missing.toml: No such file or directory"));
}

TEST_F(SettingsFiles, AFileThatIsNamedIsReadWithoutDropIns) {
  write("nvccd.toml", "transition.retries = 3");
  write("nvccd.toml.d/1.toml", "transition.retries = 4");
  const auto loaded = load_single_file(directory_.path() / "nvccd.toml");
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->settings.transition.retries, 3U);
}

TEST_F(SettingsFiles, ADirectoryInPlaceOfTheMainFileIsAnErrorNotTheDefaults) {
  std::filesystem::create_directory(directory_.path() / "nvccd.toml");
  const auto loaded = load();
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().message(), testing::HasSubstr("nvccd.toml"));
}

// ---- what cannot be read may exclude a device, so it is not taken for nothing ----

TEST_F(SettingsFiles, AFileInPlaceOfTheDropInDirectoryIsAnError) {
  write("nvccd.toml.d", "vfio.bind = false");
  expect_refused("nvccd.toml.d");
}

TEST_F(SettingsFiles, AFileInPlaceOfTheirOwnDirectoryIsAnError) {
  write("file", "");
  const auto loaded =
      load_settings(directory_.path() / "file/nvccd.toml", directory_.path() / "file/nvccd.toml.d");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().kind, ErrorKind::invalid_config);
  EXPECT_THAT(loaded.error().message(), testing::HasSubstr("file/nvccd.toml.d: Not a directory"));
}

TEST_F(SettingsFiles, ADropInDirectoryThatMayNotBeReadIsAnError) {
  write("nvccd.toml.d/1.toml", "vfio.bind = false");
  std::filesystem::permissions(directory_.path() / "nvccd.toml.d", std::filesystem::perms::none);
  const auto self = ::geteuid();
  ASSERT_EQ(::seteuid(self == 0 ? 65534 : self), 0);  // root may read everything
  const auto loaded = load();
  ASSERT_EQ(::seteuid(self), 0);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().kind, ErrorKind::invalid_config);
  EXPECT_THAT(loaded.error().message(), testing::HasSubstr("nvccd.toml.d: Permission denied"));
}

TEST_F(SettingsFiles, LinksToNothingAreErrors) {
  std::filesystem::create_symlink("gone", directory_.path() / "nvccd.toml");
  expect_refused("nvccd.toml");
  std::filesystem::remove(directory_.path() / "nvccd.toml");
  std::filesystem::create_directory_symlink("gone", directory_.path() / "nvccd.toml.d");
  expect_refused("nvccd.toml.d");
}

TEST_F(SettingsFiles, AFifoAmongThemIsAnErrorAndHoldsNobodyUp) {
  write("nvccd.toml.d/1.toml", "");
  ASSERT_EQ(::mkfifo((directory_.path() / "nvccd.toml.d/2.toml").c_str(), 0644), 0);
  expect_refused("2.toml is no regular file");
}

TEST_F(SettingsFiles, AnEndlessFileIsAnError) {
  std::filesystem::create_symlink("/dev/zero", directory_.path() / "nvccd.toml");
  expect_refused("nvccd.toml is no regular file");
  std::filesystem::remove(directory_.path() / "nvccd.toml");
  write("nvccd.toml", "");
  std::filesystem::resize_file(directory_.path() / "nvccd.toml", std::uintmax_t{1} << 30);
  expect_refused("nvccd.toml is larger than");
}

TEST_F(SettingsFiles, WhatEditorsLeaveIsNoDropIn) {
  std::filesystem::create_directory(directory_.path() / "nvccd.toml.d");
  std::filesystem::create_symlink("admin@host.1234", directory_.path() / "nvccd.toml.d/.#site.toml");
  write("nvccd.toml.d/.site.toml.swp", "no TOML");
  write("nvccd.toml.d/.site.toml", "no TOML");
  write("nvccd.toml.d/#site.toml#", "no TOML");
  EXPECT_EQ(expect_loaded(), Settings());
}

const auto shipped_file = std::filesystem::path(NVCCD_SOURCE_DIR) / "conf/nvccd.toml";

TEST(ShippedSettings, AsInstalledChangeNothing) {
  const auto loaded = load_single_file(shipped_file);
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(loaded->settings, Settings());
  EXPECT_THAT(loaded->warnings, testing::IsEmpty());
}

// What is commented out says that it is the default: with the lines made live, but for the two that are
// examples, the settings must still be the defaults.
TEST(ShippedSettings, ShowTheDefaultsInTheirComments) {
  auto text = std::regex_replace(read(shipped_file), std::regex("\n#(\\[|[a-z_]+ = )"), "\n$1");
  text.erase(text.find("[[device]]"));
  const auto node = text.find("node = \"ppcie\"");
  ASSERT_NE(node, std::string::npos);
  text.insert(node, "#");
  const auto loaded = parse_settings(text, "nvccd.toml");
  ASSERT_TRUE(loaded) << loaded.error().message() << "\n" << text;
  EXPECT_EQ(loaded->settings, Settings());
  EXPECT_THAT(loaded->warnings, testing::IsEmpty());
}

TEST(ShippedSettings, NameEveryKeyThatThereIs) {
  const auto text = read(shipped_file);
  for (const char* key :
       {"default", "node", "require_confidential_host", "bind", "driver", "takeover", "busy", "boot_timeout",
        "retries", "pgpu_alias", "nvswitch_alias", "node_features", "cdi", "match", "managed", "mode"})
    EXPECT_THAT(text, testing::ContainsRegex(std::string("\n#") + key + " = "));
}

TEST(ShippedSettings, ShowADeviceSectionThatWorks) {
  auto text = std::regex_replace(read(shipped_file), std::regex("\n#(\\[|[a-z_]+ = )"), "\n$1");
  const auto loaded = parse_settings(text, "nvccd.toml");
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(loaded->settings.mode.node, Mode::ppcie);
  ASSERT_EQ(loaded->settings.devices.size(), 1U);
  EXPECT_FALSE(loaded->settings.devices[0].managed);
  EXPECT_EQ(loaded->settings.devices[0].mode, Mode::off);
}

}  // namespace
}  // namespace nvccd
