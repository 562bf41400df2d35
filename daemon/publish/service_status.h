// Keeps up to date the line that systemctl status shows.
#pragma once

#include <functional>
#include <memory>

#include "common/base/deferred_call.h"
#include "daemon/engine/manager.h"

namespace nvccd {

// Runs on the event loop's thread; the manager must outlive it. Changes are told once the loop has nothing
// more urgent to do, and only when the line differs.
class ServiceStatus final : public ManagerObserver {
 public:
  // Called with "STATUS=...", as sd_notify() takes it.
  using Notify = std::function<void(const std::string&)>;

  static Result<std::unique_ptr<ServiceStatus>> create(sd_event* event, Manager& manager, Notify notify);
  ~ServiceStatus() override;
  ServiceStatus(const ServiceStatus&) = delete;
  ServiceStatus& operator=(const ServiceStatus&) = delete;

  // Tells now, where what comes next may depend on it.
  void tell();
  // Why the settings in force are not those of the files; "" when they are.
  void set_broken_settings(std::string why);

  void node_changed() override { tell_soon(); }
  void device_added(const PciAddress&) override { tell_soon(); }
  void device_changed(const PciAddress&) override { tell_soon(); }
  void device_removed(const PciAddress&) override { tell_soon(); }
  void job_added(JobId) override { tell_soon(); }
  void job_changed(JobId) override { tell_soon(); }
  void job_removed(JobId) override { tell_soon(); }

 private:
  ServiceStatus(Manager& manager, Notify notify);
  void tell_soon() { deferred_->request(); }

  Manager& manager_;
  Notify notify_;
  std::unique_ptr<DeferredCall> deferred_;
  std::string broken_settings_;
  std::string told_;
};

}  // namespace nvccd
