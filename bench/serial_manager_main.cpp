// serial-manager: the baseline as a program, for a guest of the lab beside nvccd (bench/lab-mode-change).
// Prints for how many seconds it worked.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <vector>

#include "daemon/pci/mapped_window.h"
#include "daemon/pci/sysfs_host_devices.h"
#include "serial_manager.h"

namespace nvccd::bench {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr std::string_view usage =
    "usage: serial-manager off|on|ppcie   changes all devices, which have to be with vfio-pci\n"
    "       serial-manager alone          resets one device and waits for its boot\n"
    "       serial-manager together       the same with all devices at once\n"
    "       serial-manager take           takes all devices at once, as they sleep, and lets go of them\n";

constexpr std::uint32_t ls10_chip_id = 0x007000a1;

class Fleet {
 public:
  Fleet() : addresses_(host_.list()), accesses_(addresses_.size()) {
    install_bus_error_handler();
    if (addresses_.empty()) throw std::runtime_error("there are no devices");
  }

  void take_one_by_one() {
    for (std::size_t n = 0; n < addresses_.size(); ++n)
      take(n);
  }
  void take_together() {
    std::vector<std::jthread> threads;
    for (std::size_t n = 0; n < addresses_.size(); ++n)
      threads.emplace_back([this, n] { take(n); });
  }

  std::vector<SerialDevice> devices() {
    std::vector<SerialDevice> devices;
    for (std::size_t n = 0; n < addresses_.size(); ++n) {
      const auto facts = host_.facts(addresses_[n]).value();
      devices.push_back({accesses_[n].get(), facts.kind == DeviceKind::gpu ? find_gpu_chip(facts.device_id)
                                                                           : find_switch_chip(ls10_chip_id)});
      if (devices.back().chip == nullptr) throw std::runtime_error("a GPU without Confidential Computing");
    }
    return devices;
  }

 private:
  void take(std::size_t n) {
    auto access = host_.acquire(addresses_[n]);
    if (!access) throw std::runtime_error(access.error().message());
    accesses_[n] = *std::move(access);
  }

  SysfsHostDevices host_{HostPaths{}, std::make_shared<SteadyClock>()};
  std::vector<PciAddress> addresses_;
  std::vector<std::unique_ptr<DeviceAccess>> accesses_;
};

void reset_together(const std::vector<SerialDevice>& devices) {
  std::vector<std::jthread> threads;
  for (const auto& device : devices)
    threads.emplace_back([&device] { reset_and_wait(device); });
}

int run(std::string_view what) {
  auto start = std::chrono::steady_clock::now();
  auto fleet = std::make_unique<Fleet>();
  if (const auto mode = parse_enum<Mode>(what)) {
    fleet->take_one_by_one();
    change_serially(fleet->devices(), *mode);
  } else if (what == "take") {
    fleet->take_together();
    fleet.reset();
  } else if (what == "alone" || what == "together") {
    // Taking twelve devices is no part of resetting one.
    fleet->take_together();
    const auto devices = fleet->devices();
    start = std::chrono::steady_clock::now();
    what == "alone" ? reset_and_wait(devices.front()) : reset_together(devices);
  } else {
    throw std::runtime_error("it does not know what that is");
  }
  fmt::print("{:.3f}\n", Seconds(std::chrono::steady_clock::now() - start).count());
  return 0;
}

}  // namespace
}  // namespace nvccd::bench

int main(int argc, char** argv) try {
  if (argc == 2) return nvccd::bench::run(argv[1]);
  fmt::print(stderr, "{}", nvccd::bench::usage);
  return 2;
} catch (const std::exception& error) {
  fmt::print(stderr, "serial-manager: {}\n", error.what());
  return 1;
}
