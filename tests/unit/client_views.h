// Devices as nvccctl knows them.
#pragma once

#include "common/bus/views.h"

namespace nvccd::client {

inline DeviceView gpu(const std::string& address) {
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

inline DeviceView nvswitch(const std::string& address) {
  DeviceView device = gpu(address);
  device.kind = "nvswitch";
  device.name = "GH100 [H100 NVSwitch]";
  device.mode = device.requested_mode = "off";
  return device;
}

}  // namespace nvccd::client
