// The host's NVIDIA devices, through sysfs and VFIO.
#pragma once

#include "common/base/clock.h"
#include "common/host/pci_names.h"
#include "daemon/pci/host_devices.h"
#include "daemon/pci/own_openings.h"
#include "daemon/pci/vfio_group.h"

namespace nvccd {

class SysfsHostDevices final : public HostDevices {
 public:
  // `own` is told of what is about to be done to files that SysfsWatch watches.
  SysfsHostDevices(const HostPaths& paths, std::shared_ptr<Clock> clock,
                   std::shared_ptr<OwnOpenings> own = std::make_shared<OwnOpenings>())
      : paths_(paths), clock_(std::move(clock)), own_(std::move(own)), groups_(paths) {}

  std::vector<PciAddress> list() override;
  Result<DeviceFacts> facts(const PciAddress& address) override;
  Result<> bind(const PciAddress& address, const BindPolicy& policy) override;
  Result<> unbind(const PciAddress& address) override;
  Result<std::unique_ptr<DeviceAccess>> acquire(const PciAddress& address) override;

 private:
  const HostPaths paths_;
  const std::shared_ptr<Clock> clock_;
  const std::shared_ptr<OwnOpenings> own_;
  VfioGroups groups_;
  DeviceNames names_;
};

}  // namespace nvccd
