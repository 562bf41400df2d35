// A host with a GPU and its audio function, as plain files: what the tests of the PCI layer have in common.
#pragma once

#include <gtest/gtest.h>

#include "host_tree.h"

namespace nvccd::test {

inline constexpr PciAddress gpu{0, 0x65, 0, 0};
inline constexpr PciAddress audio{0, 0x65, 0, 1};
inline constexpr PciAddress second_gpu{0, 0x66, 0, 0};

class GpuHost : public testing::Test {
 protected:
  GpuHost() {
    add_gpu(gpu);
    add_audio(audio);
  }

  void add_gpu(const PciAddress& address) { host.add_device(address, "0x10de", "0x2330", "0x030200"); }
  void add_audio(const PciAddress& address) { host.add_device(address, "0x10de", "0x22ba", "0x040300"); }
  void add_nic(const PciAddress& address) { host.add_device(address, "0x8086", "0x1521", "0x020000"); }

  // What was written for the kernel.
  std::string override_of(const PciAddress& address) {
    return host.read(host.paths().device(address) / "driver_override");
  }
  std::string probed() { return host.read(host.paths().sys + "/bus/pci/drivers_probe"); }
  std::string unbound_from(const char* driver) { return host.read(host.paths().driver(driver) / "unbind"); }

  HostTree host;
};

}  // namespace nvccd::test
