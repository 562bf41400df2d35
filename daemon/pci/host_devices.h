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
  // Take the device over from nouveau, nvidia or nvidia-nvswitch when nothing uses it, and its companions
  // from their usual drivers when nothing uses those.
  bool take_over_idle = true;
  // Devices that the settings exclude: neither they nor any function of their slots are touched.
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

  // Binds the device and its companions (those in its IOMMU group, in the device's slot or in a slot without
  // a device) to a vfio driver. Does nothing where that is so already, but is an error all the same when
  // something else keeps VMs from the group: a device of another maker, or an excluded one, that is not with
  // VFIO. Refuses before anything is touched. Errors: device_busy when something uses the device or a
  // companion through its driver.
  virtual Result<> bind(const PciAddress& address, const BindPolicy& policy) = 0;

  // Gives the device back to the kernel's choice of drivers; its companions too, unless another device of
  // their IOMMU group stays bound to VFIO. Only when it is proven that nobody has the device: nvccd holds the
  // group meanwhile, and refuses when it cannot, for whatever reason. The caller must not have acquired the
  // device: the kernel may wait until its registers are released. Errors: device_busy when somebody has it.
  virtual Result<> unbind(const PciAddress& address) = 0;

  // Holds the device's VFIO group and wakes the device up. Errors: device_busy when somebody else has the
  // group, or the device is used by parts, such as virtual functions; system when the device has no vfio
  // driver, or its group has a member of another maker, or a companion, that keeps VMs from it.
  virtual Result<std::unique_ptr<DeviceAccess>> acquire(const PciAddress& address) = 0;
};

}  // namespace nvccd
