// What the checks read was written by others, some of them not well disposed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "common/text/configuration_text.h"
#include "preflight/access_control.h"
#include "preflight/host_view.h"
#include "preflight/libvirt_domain.h"
#include "preflight/processes.h"
#include "preflight_host.h"

namespace nvccd::preflight {
namespace {

using test::GoodHost;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(HostView, DoesNotOpenWhatIsNoRegularFile) {
  GoodHost host;
  ASSERT_EQ(::mkfifo(host.path("/etc/fifo").c_str(), 0600), 0);
  const HostView view(host.root());
  const auto fifo = view.read("/etc/fifo");  // would wait for ever
  ASSERT_FALSE(fifo);
  EXPECT_THAT(fifo.error().cause, HasSubstr("no regular file"));
  EXPECT_FALSE(view.read("/etc"));
  EXPECT_FALSE(view.read("/etc/missing"));
}

TEST(HostView, ReadsFilesUpToTheirLimit) {
  GoodHost host;
  host.write("/etc/file", "12345");
  const HostView view(host.root());
  EXPECT_EQ(view.read("/etc/file", 5).value_or(""), "12345");
  const auto large = view.read("/etc/file", 4);
  ASSERT_FALSE(large);
  EXPECT_THAT(large.error().cause, HasSubstr("larger than 4 bytes"));
}

TEST(HostView, FollowsLinksWithinTheRootOnly) {
  GoodHost host;
  host.write("/opt/real/file", "");
  host.link("/opt/link", "/opt/real/file");
  const HostView view(host.root());
  EXPECT_EQ(view.resolve("/opt/link"), "/opt/real/file");
  std::filesystem::create_symlink("/proc/self/status", host.path("/opt/outside"));
  EXPECT_EQ(view.resolve("/opt/outside"), "/opt/outside");
}

TEST(Preflight, AFifoInPlaceOfAnyFileStopsNothing) {
  GoodHost host;
  for (const auto* file : {"/etc/kubernetes/kubelet.yaml", "/etc/containerd/config.toml", "/opt/kata/VERSION",
                           "/run/nvccd/state.json", "/proc/cmdline", "/etc/libvirt/qemu/guest.xml"}) {
    host.remove(file);
    std::filesystem::create_directories(host.path(file).parent_path());
    ASSERT_EQ(::mkfifo(host.path(file).c_str(), 0600), 0);
  }
  EXPECT_FALSE(run(host.input()).empty());
}

TEST(Processes, OfOtherUsersDoNotCount) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to make files of others";
  GoodHost host;
  host.add_process("900", {"kubelet", "--config=/tmp/evil"});
  ASSERT_EQ(::chown(host.path("/proc/900").c_str(), 65534, 65534), 0);
  const auto processes = list_processes(HostView(host.root()));
  ASSERT_TRUE(processes);
  for (const auto& process : *processes)
    EXPECT_NE(process.pid, "900");
}

TEST(Processes, OptionsComeInBothForms) {
  const Process process{
      "1", {"/usr/bin/kubelet", "--config=/a", "--config-dir", "/b", "--v=2", "--config", "/c", "--x"}};
  EXPECT_EQ(process.name(), "kubelet");
  EXPECT_EQ(process.option("--config"), "/c");
  EXPECT_EQ(process.option("--config-dir"), "/b");
  EXPECT_EQ(process.option("--x"), std::nullopt);
}

TEST(Yaml, BecomesPathsAndValues) {
  const auto text = parse_yaml("a: 1\nb: {c: 'x', d: [y, z]}\ne:\n- f: 2\n");
  ASSERT_TRUE(text);
  EXPECT_EQ(text->find("a"), "1");
  EXPECT_EQ(text->find("b/c"), "x");
  EXPECT_THAT(text->find_list("b/d"), ElementsAre("y", "z"));
  EXPECT_EQ(text->find("e/0/f"), "2");
  EXPECT_EQ(text->find("b"), std::nullopt);
}

TEST(Yaml, ADocumentThatContainsItselfEnds) {
  EXPECT_TRUE(parse_yaml("a: &a\n  b: *a\n  c: 1\n"));
  // Each level is nine times the one before.
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 30; ++i) {
    const auto before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int j = 1; j < 9; ++j)
      bomb += "," + before;
    bomb += "]\n";
  }
  const auto text = parse_yaml(bomb);
  ASSERT_TRUE(text);
  EXPECT_LE(text->values().size(), 20'000U);
}

TEST(Yaml, NonsenseIsAnErrorWithItsLine) {
  const auto text = parse_yaml("a: 1\nb: [\n");
  ASSERT_FALSE(text);
  EXPECT_THAT(text.error().cause, HasSubstr("line 3"));
  EXPECT_TRUE(parse_yaml(""));
}

TEST(Toml, BecomesPathsAndValues) {
  const auto text = parse_toml("a = 1\nb = true\n[c.'d.e']\nf = ['x', 'y']\n");
  ASSERT_TRUE(text);
  EXPECT_EQ(text->find("a"), "1");
  EXPECT_EQ(text->find("b"), "true");
  EXPECT_THAT(text->find_list("c/d.e/f"), ElementsAre("x", "y"));
  EXPECT_THAT(text->names_below("c"), ElementsAre("d.e"));
}

TEST(Toml, NonsenseIsAnError) {
  EXPECT_FALSE(parse_toml("a = "));
  EXPECT_FALSE(parse_toml(std::string(100'000, '[')));
}

TEST(ConfigurationText, AListReplacesAListAndAMapIsMerged) {
  auto text = *parse_toml("list = ['a', 'b', 'c']\n[map]\nx = 1\n");
  text.merge(*parse_toml("list = ['d']\n[map]\ny = 2\n"));
  EXPECT_THAT(text.find_list("list"), ElementsAre("d"));
  EXPECT_EQ(text.find("map/x"), "1");
  EXPECT_EQ(text.find("map/y"), "2");
}

TEST(LibvirtDomain, ManagedDevicesAreFound) {
  EXPECT_THAT(find_managed_devices(
                  "<hostdev managed=\"yes\"><source><address type=\"pci\" domain=\"0x0001\" bus=\"0x65\" "
                  "slot=\"0x1f\" function=\"0x7\"/></source><address bus='0x01'/></hostdev>"),
              ElementsAre(PciAddress{1, 0x65, 0x1f, 7}));
}

TEST(LibvirtDomain, NothingIsFoundInNonsense) {
  for (const auto* text :
       {"", "<hostdev", "<hostdev managed='yes'>", "<hostdev managed='yes'><source><address ",
        "<hostdev managed='yes'><source><address domain='0' bus='0x100' slot='0' function='0'/></source>",
        "<hostdev managed='yes'><source><address domain='x' bus='1' slot='0' function='0'/></source>"})
    EXPECT_THAT(find_managed_devices(text), IsEmpty()) << text;
}

TEST(AccessControl, ARingOfCapabilitiesEnds) {
  std::string config(4096, '\0');
  config[0x100] = 0x01;
  config[0x103] = 0x10;  // the next is the same again
  EXPECT_EQ(read_access_control(config), AccessControl::absent);
  EXPECT_EQ(read_access_control(""), AccessControl::unknown);
  EXPECT_EQ(read_access_control(std::string(4096, '\xff')), AccessControl::absent);
}

}  // namespace
}  // namespace nvccd::preflight
