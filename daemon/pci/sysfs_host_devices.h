// The host's NVIDIA devices, through sysfs and VFIO.
#pragma once

#include "base/clock.h"
#include "pci/host_devices.h"
#include "pci/pci_names.h"
#include "pci/vfio_group.h"

namespace nvccd {

class SysfsHostDevices final : public HostDevices {
 public:
  SysfsHostDevices(const HostPaths& paths, std::shared_ptr<Clock> clock)
      : paths_(paths), clock_(std::move(clock)), groups_(paths) {}

  std::vector<PciAddress> list() override;
  Result<DeviceFacts> facts(const PciAddress& address) override;
  Result<> bind(const PciAddress& address, const BindPolicy& policy) override;
  Result<> unbind(const PciAddress& address) override;
  Result<std::unique_ptr<DeviceAccess>> acquire(const PciAddress& address) override;

 private:
  const HostPaths paths_;
  const std::shared_ptr<Clock> clock_;
  VfioGroups groups_;
  DeviceNames names_;
};

}  // namespace nvccd
