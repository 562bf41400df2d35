// Which device is somebody's screen, on files laid out as the kernel does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/host/console_use.h"
#include "host_tree.h"

namespace nvccd {
namespace {

const auto gpu = *PciAddress::parse("0000:65:00.0");
const auto other = *PciAddress::parse("0000:66:00.0");

class ConsoleUse : public testing::Test {
 protected:
  ConsoleUse() {
    for (const auto& address : {gpu, other}) {
      std::filesystem::create_directories(devices() / to_string(address));
      host.link(host.paths().device(address), devices() / to_string(address));
    }
    console(0, "(S) dummy device", true);
  }
  std::filesystem::path sys() { return host.paths().sys; }
  std::filesystem::path devices() { return sys() / "devices/pci0000:60/0000:60:01.0"; }
  void console(int number, const char* name, bool bound) {
    const auto directory = sys() / ("class/vtconsole/vtcon" + std::to_string(number));
    host.write(directory / "name", std::string(name) + "\n");
    host.write(directory / "bind", bound ? "1\n" : "0\n");
  }
  void framebuffer(const char* name, const std::filesystem::path& device) {
    std::filesystem::create_directories(device);
    host.link(sys() / "class/graphics" / name / "device", device);
  }
  void boot_vga(const PciAddress& address, const char* value) {
    host.write(devices() / to_string(address) / "boot_vga", value);
  }
  void connector(const PciAddress& address, const char* status, const char* enabled) {
    const auto directory = devices() / to_string(address) / "drm/card1/card1-DP-1";
    host.write(directory / "status", status);
    host.write(directory / "enabled", enabled);
  }
  void expect_use(const std::string& what) {
    EXPECT_EQ(find_console_use(host.paths(), gpu), what);
    EXPECT_EQ(find_console_use(host.paths(), other), std::nullopt);
  }
  void expect_none() { EXPECT_EQ(find_console_use(host.paths(), gpu), std::nullopt); }

  test::HostTree host;
};

TEST_F(ConsoleUse, AHostWithoutScreensHasNone) {
  expect_none();
}

TEST_F(ConsoleUse, TheFramebufferOfItsDriver) {
  console(1, "(M) frame buffer device", true);
  framebuffer("fb0", devices() / to_string(gpu));
  expect_use("the console is on its framebuffer fb0");
}

TEST_F(ConsoleUse, AFramebufferWithoutConsole) {
  console(1, "(M) frame buffer device", false);
  framebuffer("fb0", devices() / to_string(gpu));
  expect_none();
}

TEST_F(ConsoleUse, TheFirmwaresFramebuffer) {
  console(1, "(M) frame buffer device", true);
  framebuffer("fb0", sys() / "devices/platform/efi-framebuffer.0");
  boot_vga(gpu, "1\n");
  boot_vga(other, "0\n");
  expect_use("the console is on the firmware's framebuffer fb0, which is on it");
}

// The server's own controller is what the firmware shows itself on.
TEST_F(ConsoleUse, TheFirmwaresFramebufferOfAnotherDevice) {
  console(1, "(M) frame buffer device", true);
  framebuffer("fb0", sys() / "devices/platform/simple-framebuffer.0");
  boot_vga(gpu, "0\n");
  expect_none();
}

// The firmware's display, whose driver shows the console on another one.
TEST_F(ConsoleUse, AFramebufferOfAnotherDevice) {
  console(1, "(M) frame buffer device", true);
  framebuffer("fb0", devices() / "0000:67:00.0");
  boot_vga(gpu, "1\n");
  expect_none();
}

TEST_F(ConsoleUse, TheFirmwaresFramebufferWhereTheKernelKnowsItsDevice) {
  console(1, "(M) frame buffer device", true);
  framebuffer("fb0", devices() / to_string(gpu) / "simple-framebuffer.0");
  expect_use("the console is on its framebuffer fb0");
}

TEST_F(ConsoleUse, TextMode) {
  console(0, "(S) VGA+", true);
  boot_vga(gpu, "1\n");
  expect_use("the console is on it, in text mode");
}

TEST_F(ConsoleUse, AScreenThatSomebodyShowsSomethingOn) {
  connector(gpu, "connected\n", "enabled\n");
  expect_use("a screen is on its connector card1-DP-1");
}

TEST_F(ConsoleUse, AScreenThatIsDark) {
  connector(gpu, "connected\n", "disabled\n");
  expect_none();
}

TEST_F(ConsoleUse, ADeviceThatIsNotThere) {
  EXPECT_EQ(find_console_use(host.paths(), *PciAddress::parse("0000:99:00.0")), std::nullopt);
}

}  // namespace
}  // namespace nvccd
