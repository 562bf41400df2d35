// What the daemon asks of the host about its NVIDIA devices. The host's implementation is SysfsHostDevices;
// tests have one over the emulator.
#pragma once

#include <memory>
#include <set>
#include <vector>

#include "common/host/device_facts.h"
#include "daemon/hardware/device_access.h"

namespace nvccd {

struct BindPolicy {
  std::string driver = "auto";  // auto: the best vfio driver for the device
  // From nouveau, nvidia or nvidia-nvswitch, when nothing uses the device; its companions from their usual drivers, when
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
  // group, or the device is used by parts, such as virtual functions; system when the device has no vfio
  // driver, or its group has a member of another maker, or a companion, that keeps VMs from it.
  virtual Result<std::unique_ptr<DeviceAccess>> acquire(const PciAddress& address) = 0;
};

}  // namespace nvccd
