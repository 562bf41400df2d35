// Keeps <runtime directory>/state.json up with the manager.
#pragma once

#include <filesystem>
#include <memory>
#include <set>

#include "base/event.h"
#include "engine/manager.h"
#include "publish/state_document.h"

namespace nvccd {

// Runs on the event loop's thread; the manager must outlive it. The file is there only while this object is:
// one left over from before is removed first, and it is removed at the end.
//
// Changes are written once the loop has nothing more urgent to do, so that many at a time cost one write. A
// change that takes back a promise (ready, healthy) is written at once, before anything is done to the
// device. A file that cannot be written is removed: readers had better see nothing than what is no longer
// true.
class StateFile final : public ManagerObserver {
 public:
  static Result<std::unique_ptr<StateFile>> create(sd_event* event, Manager& manager,
                                                   std::filesystem::path path, ResourceAliases aliases);
  ~StateFile() override;
  StateFile(const StateFile&) = delete;
  StateFile& operator=(const StateFile&) = delete;

  // Writes the present state now.
  Result<> write();
  // After the settings were read again.
  void set_aliases(ResourceAliases aliases);

  void node_changed() override;
  void device_added(const PciAddress&) override { write_soon(); }
  void device_changed(const PciAddress& address) override;
  void device_removed(const PciAddress& address) override;

 private:
  StateFile(Manager& manager, std::filesystem::path path, ResourceAliases aliases);
  void write_soon();
  void write_or_log();
  static int on_deferred(sd_event_source* source, void* userdata) noexcept;

  Manager& manager_;
  std::filesystem::path path_;
  ResourceAliases aliases_;
  EventSourcePtr deferred_;
  bool promised_ready_ = false;
  std::set<PciAddress> promised_healthy_;
};

}  // namespace nvccd
