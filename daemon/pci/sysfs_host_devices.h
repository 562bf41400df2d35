// The host's NVIDIA devices, through sysfs and VFIO.
#pragma once

#include "hardware/clock.h"
#include "pci/host_devices.h"
#include "pci/vfio_group.h"

namespace nvccd {

class SysfsHostDevices final : public HostDevices {
 public:
  // `clock` outlives this object.
  SysfsHostDevices(HostPaths paths, Clock& clock) : paths_(paths), clock_(clock), groups_(std::move(paths)) {}

  std::vector<PciAddress> list() override;
  Result<DeviceFacts> facts(const PciAddress& address) override;
  Result<> bind(const PciAddress& address, const BindPolicy& policy) override;
  Result<> unbind(const PciAddress& address) override;
  Result<std::unique_ptr<DeviceAccess>> acquire(const PciAddress& address) override;

 private:
  const HostPaths paths_;
  Clock& clock_;
  VfioGroups groups_;
};

}  // namespace nvccd
