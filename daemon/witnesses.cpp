#include "daemon/witnesses.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "common/host/topology.h"

namespace nvccd {

Witnesses::Witnesses(const HostPaths& paths, NodeManager& manager) : paths_(paths), manager_(manager) {
  manager_.add_observer(*this);
}

Witnesses::~Witnesses() {
  manager_.remove_observer(*this);
}

Result<std::unique_ptr<Witnesses>> Witnesses::create(sd_event* event, const HostPaths& paths,
                                                     const std::shared_ptr<OwnOpenings>& own,
                                                     NodeManager& manager) {
  std::unique_ptr<Witnesses> witnesses(new Witnesses(paths, manager));
  if (auto watched = witnesses->watch_udev(event); !watched) return std::unexpected(watched.error());
  if (auto watched = witnesses->watch_others(event, own); !watched) return std::unexpected(watched.error());
  return witnesses;
}

Result<> Witnesses::watch_udev(sd_event* event) {
  auto pci = PciMonitor::create(
      event, [this](PciEvent what, const PciAddress& address) { tell(what, address); },
      [this] {
        spdlog::warn("events of udev were lost; looking at every device");
        recoveries_.clear();
        watch_all();  // at any address there may be another device by now
        manager_.udev_events_lost();
      });
  if (!pci) return std::unexpected(pci.error());
  pci_ = *std::move(pci);
  // Nothing is done when one begins: it has no device yet, and a look would take from it what it is about to
  // open. At its end its guest may have changed a device that was not seen in its hands.
  auto kvm =
      KvmMonitor::create(event, {.began = [] {}, .ended = [this] { manager_.virtual_machines_changed(); }});
  if (!kvm) return std::unexpected(kvm.error());
  kvm_ = *std::move(kvm);
  return {};
}

Result<> Witnesses::watch_others(sd_event* event, const std::shared_ptr<OwnOpenings>& own) {
  auto vfio = VfioWatch::create(
      event, paths_,
      [this](const std::string& node, bool opened) {
        opened ? manager_.vfio_node_opened(node) : manager_.vfio_node_closed(node);
      },
      [this] {
        spdlog::warn("events of VFIO's nodes were lost; looking at every device");
        manager_.vfio_events_lost();
      });
  if (!vfio) return std::unexpected(vfio.error());
  vfio_ = *std::move(vfio);
  if (own) {
    auto sysfs = SysfsWatch::create(event, paths_, own,
                                    {.touched =
                                         [this](const PciAddress& address, SysfsAccess access) {
                                           if (access == SysfsAccess::registers_opened)
                                             return manager_.registers_opened(address);
                                           if (access == SysfsAccess::registers_closed)
                                             return manager_.registers_closed(address);
                                           manager_.device_touched(address);
                                         },
                                     .lost =
                                         [this] {
                                           spdlog::warn("events of sysfs were lost; looking at every device");
                                           manager_.vfio_events_lost();
                                         }});
    if (!sysfs) return std::unexpected(sysfs.error());
    sysfs_ = *std::move(sysfs);
    watch_all();
  }
  auto resume = ResumeWatch::create(event, [this] {
    spdlog::info("the host was asleep; looking at every device");
    manager_.resumed();
  });
  if (!resume) return std::unexpected(resume.error());
  resume_ = *std::move(resume);
  return {};
}

void Witnesses::tell(PciEvent what, const PciAddress& address) {
  switch (what) {
    case PciEvent::appeared:
      watch(address);  // it may be another one at the address of one that the manager has
      return manager_.device_appeared(address);
    case PciEvent::gone:
      return manager_.device_gone(address);
    case PciEvent::driver_changed:
      return manager_.device_driver_changed(address);
    case PciEvent::recovery_began:
    case PciEvent::recovery_ended:
    case PciEvent::recovery_failed:
      return tell_of_recovery(what, address);
  }
}

// A bridge is recovered with all that is below it.
void Witnesses::tell_of_recovery(PciEvent stage, const PciAddress& address) {
  std::vector<PciAddress> concerned;
  for (const auto& [device, snapshot] : manager_.devices()) {
    const auto bridges = bridges_above(paths_, device);
    if (device == address || std::ranges::find(bridges, address) != bridges.end())
      concerned.push_back(device);
  }
  for (const auto& device : concerned) {
    log_recovery(device, {.stage = stage, .source = address});
    manager_.device_recovered(device);
  }
}

// The kernel says the same of each bridge above, and of the device itself; only from the same one again is it
// another recovery.
void Witnesses::log_recovery(const PciAddress& device, const Recovery& news) {
  const auto [last, first] = recoveries_.try_emplace(device, news);
  if (!first && last->second.stage == news.stage && last->second.source != news.source) return;
  last->second = news;
  const auto what = news.source == device ? std::string("it") : "the bridge " + to_string(news.source);
  switch (news.stage) {
    case PciEvent::recovery_ended:
      return spdlog::info("{}: the kernel has recovered {} from an error; looking at the device",
                          to_string(device), what);
    case PciEvent::recovery_failed:
      return spdlog::warn("{}: the kernel could not recover {} from an error; looking at the device",
                          to_string(device), what);
    default:
      return spdlog::warn("{}: the kernel recovers {} from an error; looking at the device",
                          to_string(device), what);
  }
}

void Witnesses::watch_all() {
  for (const auto& [address, device] : manager_.devices())
    watch(address);
}

void Witnesses::watch(const PciAddress& address) {
  if (!sysfs_) return;
  if (auto watched = sysfs_->watch(address); !watched)
    spdlog::warn("{}", on_device(watched.error(), address).message());
}

void Witnesses::device_removed(const PciAddress& address) {
  recoveries_.erase(address);
  if (sysfs_) sysfs_->forget(address);
}

}  // namespace nvccd
