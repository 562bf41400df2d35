// What the daemon asks of the host about its NVIDIA devices. The host's implementation is SysfsHostDevices;
// tests have one over the emulator.
#pragma once

#include <memory>
#include <set>
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
  // What in its IOMMU group keeps VMs from the device; it names the member. Another GPU or switch of the
  // group counts too as long as a driver of the host has it, even one that is about to be bound.
  std::optional<Error> group_obstacle;
  std::optional<int> iommu_group;
  std::string vfio_group;   // path of the group's node; "": none
  std::string vfio_device;  // path of the iommufd character device; "": none
  std::optional<int> numa_node;
  std::optional<std::uint64_t> bar0;  // where the kernel has put it; nullopt: nowhere, or not known
};

struct BindPolicy {
  std::string driver = "auto";  // auto: the best vfio driver for the device
  // From nouveau or nvidia, when nothing uses the device; its companions from their usual drivers, when
  // nothing uses those.
  bool take_over_idle = true;
  // What the settings exclude: it is not touched, nor is any function of its slot.
  std::set<PciAddress> excluded = {};
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

  // Binds the device and its companions (those in the IOMMU group of the device's slot, or of no device's) to
  // a vfio driver. Does nothing where that is so already, but says all the same what else keeps VMs from the
  // group: a device of another maker, or an excluded one, that is not with VFIO. Refuses before anything is
  // touched. Errors: device_busy when something uses the device or a companion through its driver.
  virtual Result<> bind(const PciAddress& address, const BindPolicy& policy) = 0;

  // Gives the device back to the kernel's choice of drivers; its companions too, unless another device of
  // their IOMMU group stays bound to VFIO. Only when it is proven that nobody has the device: the group is
  // taken and kept meanwhile, and a group that cannot be taken, for whatever reason, is a refusal. The caller
  // need not, and must not, have acquired the device: the kernel may wait for its registers to be given back.
  // Errors: device_busy when somebody has it.
  virtual Result<> unbind(const PciAddress& address) = 0;

  // Takes the device's VFIO group and wakes the device up. Errors: device_busy when somebody else has the
  // group; system when the device has no vfio driver, or its group has a member of another maker, or a
  // companion, that keeps VMs from it.
  virtual Result<std::unique_ptr<DeviceAccess>> acquire(const PciAddress& address) = 0;
};

// What protects guests on this host.
HostConfidential detect_host_confidential(const std::string& sys_root);

}  // namespace nvccd
