// Tells when somebody else on this host resets a device, opens its registers or writes to its configuration
// space through sysfs, or those of a bridge above the device. No polling.
#pragma once

#include <map>
#include <memory>
#include <set>

#include "common/host/sysfs.h"
#include "daemon/pci/inotify.h"
#include "daemon/pci/own_openings.h"

namespace nvccd {

// What is seen: of `reset` and `config` that something was written, when the write is done; of `resource0`
// that it was opened, and that the last mapping of it has gone. Reading `config`, as lspci does, changes
// nothing and is not told. `reset` may only be written to, and the service has not the right to watch such a
// file itself, so what is watched is the directory, for what only root can do in it: nobody else can flood
// the loop.
//
// What is not seen: accesses through another sysfs, such as that of a container with a network namespace of
// its own; a use that began and ended beside one of our own before the loop came to read either, as the
// kernel makes one event of two that are the same; and writes to a mapping, which come between its opening
// and its end.
class SysfsWatch {
 public:
  // `touched` is called on the loop with each device concerned. `lost`: the kernel could not keep what
  // happened.
  struct Handlers {
    std::function<void(const PciAddress&, SysfsAccess)> touched;
    std::function<void()> lost;
  };
  static Result<std::unique_ptr<SysfsWatch>> create(sd_event* event, const HostPaths& paths,
                                                    std::shared_ptr<OwnOpenings> own, Handlers handlers);

  SysfsWatch(const SysfsWatch&) = delete;
  SysfsWatch& operator=(const SysfsWatch&) = delete;

  // Sysfs does not say that a directory has gone, so the watches follow what others tell of devices. To be
  // called before the first look at a device, and again when another device has come to the address.
  Result<> watch(const PciAddress& device);
  void forget(const PciAddress& device);

 private:
  // What a descriptor of a watch stands for.
  struct Watched {
    bool registers = false;  // of resource0 itself; false: of a directory
    bool bridge = false;
    std::set<PciAddress> devices;  // the device itself, or the devices below the bridge
  };

  SysfsWatch(const HostPaths& paths, std::shared_ptr<OwnOpenings> own, Handlers handlers);
  std::expected<int, int> add(const std::filesystem::path& path, std::uint32_t mask, const Watched& what);
  void drop(const PciAddress& device, const std::set<int>& but);
  void handle(const inotify_event& event);
  void tell(const Watched& watched, SysfsAccess access);

  const HostPaths paths_;
  const std::shared_ptr<OwnOpenings> own_;
  Handlers handlers_;
  std::map<int, Watched> watched_;  // by watch descriptor
  std::unique_ptr<Inotify> inotify_;
};

}  // namespace nvccd
