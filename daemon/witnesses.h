// Those who tell the manager what happens to the devices: udev, and the watches of what others do. None
// polls.
#pragma once

#include "daemon/engine/node_manager.h"
#include "daemon/pci/resume_watch.h"
#include "daemon/pci/sysfs_watch.h"
#include "daemon/pci/vfio_watch.h"
#include "daemon/udev/kvm_monitor.h"
#include "daemon/udev/pci_monitor.h"

namespace nvccd {

class Witnesses final : public ManagerObserver {
 public:
  // To be created before the manager's first look, so that nothing is missed in between; the manager outlives
  // the witnesses. `own` has the openings that the daemon itself announces; null: what happens in sysfs is
  // not watched, as our own openings could not be told from others'.
  static Result<std::unique_ptr<Witnesses>> create(sd_event* event, const HostPaths& paths,
                                                   const std::shared_ptr<OwnOpenings>& own,
                                                   NodeManager& manager);
  Witnesses(const Witnesses&) = delete;
  Witnesses& operator=(const Witnesses&) = delete;
  ~Witnesses() override;

  // The watches follow the devices that the manager has.
  void device_added(const PciAddress& address) override { watch(address); }
  void device_removed(const PciAddress& address) override;

 private:
  Witnesses(const HostPaths& paths, NodeManager& manager);
  Result<> watch_udev(sd_event* event);
  Result<> watch_others(sd_event* event, const std::shared_ptr<OwnOpenings>& own);
  void tell(PciEvent what, const PciAddress& address);
  void tell_of_recovery(PciEvent stage, const PciAddress& address);
  // What was said last of the recovery of a device, and which device or bridge the news came from.
  struct Recovery {
    PciEvent stage;
    PciAddress source;
  };
  void log_recovery(const PciAddress& device, const Recovery& news);
  void watch_all();
  void watch(const PciAddress& address);

  const HostPaths paths_;
  NodeManager& manager_;
  std::map<PciAddress, Recovery> recoveries_;
  std::unique_ptr<PciMonitor> pci_;
  std::unique_ptr<KvmMonitor> kvm_;
  std::unique_ptr<VfioWatch> vfio_;
  std::unique_ptr<SysfsWatch> sysfs_;
  std::unique_ptr<ResumeWatch> resume_;
};

}  // namespace nvccd
