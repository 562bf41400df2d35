// Devices as nvccctl knows them.
#pragma once

#include "common/bus/views.h"

namespace nvccd::client {

inline DeviceView gpu(const std::string& address) {
  return {.address = address,
          .kind = DeviceKind::gpu,
          .vendor_id = 0x10de,
          .device_id = 0x2330,
          .name = "GH100 [H100 SXM5 80GB]",
          .architecture = Architecture::hopper,
          .supported_modes = {"off", "on"},
          .driver = "vfio-pci",
          .iommu_group = 65,
          .vfio_group = "/dev/vfio/65",
          .mode = Mode::on,
          .requested_mode = Mode::on,
          .state = DeviceState::ready};
}

inline DeviceView nvswitch(const std::string& address) {
  DeviceView device = gpu(address);
  device.kind = DeviceKind::nvswitch;
  device.name = "GH100 [H100 NVSwitch]";
  device.mode = device.requested_mode = Mode::off;
  return device;
}

}  // namespace nvccd::client
