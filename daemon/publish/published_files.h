// Keeps up to date the files that tell other programs on the node what the manager knows.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "common/base/deferred_call.h"
#include "common/base/retry.h"
#include "common/formats/paths.h"
#include "common/formats/resource_name.h"
#include "daemon/engine/manager.h"
#include "daemon/publish/transition_statistics.h"

namespace nvccd {

struct PublishSettings {
  ResourceAliases aliases;
  bool node_features = true;
  bool cdi = true;
};

struct PublishPlaces {
  std::filesystem::path runtime;  // state.json and nvccd.prom
  std::filesystem::path node_features = paths::node_feature_dir;
  std::filesystem::path cdi = paths::cdi_dir;
};

// Removes whatever an earlier run may have left in these places. Errors: the first one; the other files are
// removed all the same.
Result<> withdraw_published_files(const PublishPlaces& places);

// Runs on the event loop's thread; manager and statistics must outlive it. The files are there only while
// this object is: those left over from before are removed first, and all are removed at the end.
//
// Changes are written when their turn in the loop comes, so that many at a time cost one write, and no flood
// of calls keeps them back. A change that takes back a promise (ready, healthy) is written at once, before
// anything is done to the device. A file that cannot be written is removed: readers had better see nothing
// than what is no longer true.
class PublishedFiles final : public ManagerObserver {
 public:
  static Result<std::unique_ptr<PublishedFiles>> create(sd_event* event, Manager& manager,
                                                        const TransitionStatistics& statistics,
                                                        PublishPlaces places, PublishSettings settings);
  ~PublishedFiles() override;
  PublishedFiles(const PublishedFiles&) = delete;
  PublishedFiles& operator=(const PublishedFiles&) = delete;

  // Writes the present state now. What fails is logged, as Trouble has it.
  void write();
  // After the settings were read again.
  void set_settings(PublishSettings settings);

  void node_changed() override;
  void device_added(const PciAddress&) override { write_soon(); }
  void device_changed(const PciAddress& address) override;
  void device_removed(const PciAddress& address) override;
  // Whoever has waited for the job may read the files next.
  void job_removed(JobId) override { write(); }

 private:
  using Contents = std::map<std::filesystem::path, std::string>;

  PublishedFiles(Manager& manager, const TransitionStatistics& statistics, PublishPlaces places,
                 PublishSettings settings);
  Contents contents() const;
  void write_soon() { deferred_->request(); }
  void put(const std::filesystem::path& path, const std::string& content);
  void withdraw(std::filesystem::path path);
  void report(const std::filesystem::path& path, const Result<>& result);

  Manager& manager_;
  const TransitionStatistics& statistics_;
  PublishPlaces places_;
  PublishSettings settings_;
  std::unique_ptr<DeferredCall> deferred_;
  Contents written_;
  std::map<std::filesystem::path, Trouble> troubles_;
  bool promised_ready_ = false;
  std::set<PciAddress> promised_healthy_;
};

}  // namespace nvccd
