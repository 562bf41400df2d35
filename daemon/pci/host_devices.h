// What the daemon asks of the host about its NVIDIA devices. The host's implementation is SysfsHostDevices;
// tests have one over the emulator.
#pragma once

#include <memory>
#include <vector>

#include "hardware/device_access.h"
#include "model/device.h"
#include "model/node.h"

namespace nvccd {

// What the kernel knows of a device.
struct DeviceFacts {
  std::uint64_t instance = 0;  // never that of an earlier device at the address
  DeviceKind kind = DeviceKind::gpu;
  std::uint16_t vendor_id = 0;
  std::uint16_t device_id = 0;
  std::string name;
  std::string driver;            // "": none
  bool driver_is_vfio = false;   // vfio-pci or a variant of it
  bool companions_bound = true;  // to a vfio driver, all of them; so it is when there are none
  std::optional<int> iommu_group;
  std::string vfio_group;   // path of the group's node; "": none
  std::string vfio_device;  // path of the iommufd character device; "": none
  std::optional<int> numa_node;
};

struct BindPolicy {
  std::string driver = "auto";  // auto: the best vfio driver for the device
  bool take_over_idle = true;   // from nouveau or nvidia, when nothing uses the device
};

// Every function but list() may block for long and is called from worker threads; all are safe to call from
// several.
class HostDevices {
 public:
  virtual ~HostDevices() = default;

  // NVIDIA GPUs and NVSwitches that are present, in the order of their addresses.
  virtual std::vector<PciAddress> list() = 0;

  // Errors: no_such_device.
  virtual Result<DeviceFacts> facts(const PciAddress& address) = 0;

  // Binds the device and the companions in its IOMMU group to a vfio driver. Does nothing where that is so
  // already.
  virtual Result<> bind(const PciAddress& address, const BindPolicy& policy) = 0;

  // Gives the device back to the kernel's choice of drivers; its companions too, unless another device of
  // their IOMMU group stays bound to VFIO.
  virtual Result<> unbind(const PciAddress& address) = 0;

  // Errors: device_busy when somebody else has the device's VFIO group; the cause names who, if it can be
  // read.
  virtual Result<std::unique_ptr<DeviceAccess>> acquire(const PciAddress& address) = 0;
};

// What protects guests on this host.
HostConfidential detect_host_confidential(const std::string& sys_root);

}  // namespace nvccd
