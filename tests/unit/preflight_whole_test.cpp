// The checks together, and those of nvccd itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "common/formats/node_mode_store.h"
#include "preflight_broken.h"

namespace nvccd::preflight {
namespace {

using namespace test::results;
using test::Case;
using test::GoodHost;

TEST(Preflight, AllIsWellOnAGoodHost) {
  GoodHost host;
  for (const auto& finding : run(host.input())) {
    EXPECT_EQ(finding.result, CheckResult::ok) << test::describe(finding);
    EXPECT_EQ(finding.advice, "") << finding.id;
  }
}

// ---- nvccd ----

const Case service_cases[] = {
    {"BrokenSettings", "nvccd.settings", fails, "nvccd.toml:3:5",
     [](GoodHost&, Input& input) {
       input.settings =
           std::unexpected(Error{.kind = ErrorKind::invalid_config, .cause = "nvccd.toml:3:5: no such mode"});
     }},
    {"UnknownSetting", "nvccd.settings", warns, "unknown key",
     [](GoodHost&, Input& input) { input.settings->warnings.push_back("nvccd.toml:3:5: unknown key"); }},
    {"NotEnabled", "nvccd.enabled", warns, "not enabled",
     [](GoodHost& host, Input&) {
       host.remove("/etc/systemd/system/multi-user.target.wants/nvccd.service");
     }},
    {"NoStateFile", "nvccd.state-file", fails, "no /run/nvccd/state.json",
     [](GoodHost& host, Input&) { host.remove("/run/nvccd/state.json"); }},
    {"StateFileOfOtherDevices", "nvccd.state-file", fails, "other devices",
     [](GoodHost& host, Input& input) { host.write_state({.node = input.daemon->node, .devices = {}}); }},
    {"StateFileIsNone", "nvccd.state-file", fails, "not what nvccd writes",
     [](GoodHost& host, Input&) {
       host.write("/run/nvccd/state.json", R"({"generation":7,"devices":[{"address":7}]})");
     }},
    {"StateFileWithoutGeneration", "nvccd.state-file", fails, "not what nvccd writes",
     [](GoodHost& host, Input&) { host.write("/run/nvccd/state.json", R"({"devices":[]})"); }},
    {"StateFileIsOld", "nvccd.state-file", fails, "generation 7, nvccd is at 8",
     [](GoodHost&, Input& input) { input.daemon->node.generation = 8; }},
    {"StateFileWithAnotherMode", "nvccd.state-file", fails, "wrong about 0000:65:00.0",
     [](GoodHost&, Input& input) { input.daemon->devices[GoodHost::gpu].mode = Mode::off; }},
    {"StateFileWithAnotherState", "nvccd.state-file", fails, "wrong about 0000:65:00.0",
     [](GoodHost&, Input& input) { input.daemon->devices[GoodHost::gpu].state = DeviceState::busy; }},
    // What the daemon knew was copied when the checks began.
    {"StateFileIsNewerThanTheChecks", "nvccd.state-file", passes, "up to date",
     [](GoodHost&, Input& input) {
       input.daemon->node.generation = 6;
       input.daemon->devices.clear();
     }},
    {"StateFileIsLeftOver", "nvccd.state-file", fails, "old state",
     [](GoodHost&, Input& input) { input.daemon.reset(); }},
    {"DaemonDoesNotKnowTheDevice", "nvccd.state-file", fails, "does not know 0000:65:00.0",
     [](GoodHost& host, Input& input) {
       input.daemon->devices.clear();
       host.write_state(*input.daemon);
     }},
    {"DeviceFailed", "nvccd.devices", fails, "0000:65:00.0 is failed: in recovery",
     [](GoodHost&, Input& input) {
       input.daemon->devices[GoodHost::gpu].state = DeviceState::failed;
       input.daemon->devices[GoodHost::gpu].error = "in recovery";
     }},
    {"DaemonDoesNotRun", "nvccd.devices", skips, "does not run",
     [](GoodHost&, Input& input) { input.daemon.reset(); }},
};

class Service : public testing::TestWithParam<Case> {};

TEST_P(Service, IsFound) {
  test::expect_found(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Nvccd, Service, testing::ValuesIn(service_cases), test::by_name);

TEST(Preflight, IsShortOnAMachineWithoutNvidiaAndKubernetes) {
  test::TemporaryDirectory root;
  const auto findings = run({.host = HostView(root.path().string()), .settings = LoadedSettings()});
  EXPECT_LE(findings.size(), 12U);
  for (const auto& finding : findings)
    EXPECT_NE(finding.result, CheckResult::fail) << test::describe(finding);
  ASSERT_NE(test::find(findings, "devices"), nullptr);
  EXPECT_EQ(test::find(findings, "devices")->result, CheckResult::skip);
}

TEST(Preflight, KubernetesIsOneLineWhereThereIsNone) {
  GoodHost host;
  for (const auto* part : {"kubelet.yaml", "kubelet.conf.d"})
    host.remove(std::string("/etc/kubernetes/") + part);  // what is left of it nvccd makes for its own labels
  host.remove("/var/lib/kubelet");
  const auto findings = run(host.input());
  ASSERT_NE(test::find(findings, "kubernetes"), nullptr);
  EXPECT_EQ(test::find(findings, "kubernetes")->result, CheckResult::skip);
  EXPECT_EQ(test::find(findings, "kubelet.settings"), nullptr);
}

TEST(Preflight, LeavesOutWhatTheSettingsExclude) {
  GoodHost host;
  host.bind(GoodHost::gpu, "nouveau", "nouveau");
  auto input = host.input();
  input.settings->settings.devices.push_back({.match = {.address = GoodHost::gpu}, .managed = false});
  const auto findings = run(input);
  EXPECT_EQ(test::find(findings, "driver.bound"), nullptr);
  EXPECT_NE(test::find(findings, "devices"), nullptr);
}

TEST(Preflight, JudgesWhatItHasSeenThoughTheHostChangedMeanwhile) {
  GoodHost host;
  const auto subject = look_over(host.input());
  for (const auto& entry : std::filesystem::directory_iterator(host.root()))
    std::filesystem::remove_all(entry);
  for (const auto& finding : judge(subject))
    EXPECT_EQ(finding.result, CheckResult::ok) << test::describe(finding);
}

// What a label, the bus or nvccctl set counts also where nvccctl makes the checks without the daemon.
TEST(Preflight, WithoutTheDaemonTheNodeModeIsTheOneThatItKeeps) {
  GoodHost host;
  host.remove("/sys/class/misc/iommu");
  auto input = host.input();
  input.daemon.reset();
  const auto result = [&] { return test::find(run(input), "iommufd.kernel")->result; };
  EXPECT_EQ(result(), CheckResult::fail);
  for (const auto* directory : {"/var/lib/nvccd", "/run/nvccd"})
    std::filesystem::create_directories(host.path(directory));
  const NodeModeStore store(host.path("/var/lib/nvccd"), host.path("/run/nvccd"));
  ASSERT_TRUE(store.save({.lasting = Mode::off}));
  EXPECT_EQ(result(), CheckResult::skip);
  ASSERT_TRUE(store.save({.lasting = Mode::off, .transient = Mode::on}));
  EXPECT_EQ(result(), CheckResult::fail);
  input.settings->settings.mode.default_mode = Mode::off;
  EXPECT_EQ(result(), CheckResult::fail);
}

TEST(Preflight, NoIdIsUsedTwiceAndEveryFindingHasAKnownOne) {
  const auto ids = check_ids();
  const std::set<std::string_view> known(ids.begin(), ids.end());
  EXPECT_EQ(known.size(), ids.size());
  GoodHost host;
  for (const auto& finding : run(host.input()))
    EXPECT_TRUE(known.contains(finding.id)) << finding.id;
}

// The table of ids is all that the manual is compared with: whoever makes a finding of its own is not in it.
TEST(Preflight, NoFindingHasAnIdThatIsNotInTheTable) {
  const auto ids = check_ids();
  const std::set<std::string_view> known(ids.begin(), ids.end());
  for (const auto* folder : {"daemon", "client"})
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(std::filesystem::path(NVCCD_SOURCE_DIR) / folder)) {
      if (entry.path().extension() != ".cpp") continue;
      std::stringstream text;
      text << std::ifstream(entry.path()).rdbuf();
      const std::string source = text.str();
      static const std::regex literal(R"re(\.id = "([^"]*)")re");
      for (std::sregex_iterator found(source.begin(), source.end(), literal), end; found != end; ++found)
        EXPECT_TRUE(known.contains((*found)[1].str())) << entry.path() << ": " << (*found)[1];
    }
  EXPECT_TRUE(known.contains(not_made({}).id));
}

TEST(Preflight, EveryCheckHasItsSectionInTheManual) {
  std::ifstream page(NVCCD_SOURCE_DIR "/docs/man/nvccd-checks.7.scd");
  std::set<std::string> sections;
  for (std::string line; std::getline(page, line);)
    if (line.starts_with("## ")) sections.insert(line.substr(3));
  std::set<std::string> ids;
  for (const auto& id : check_ids())
    ids.emplace(id);
  EXPECT_EQ(sections, ids);
}

}  // namespace
}  // namespace nvccd::preflight
