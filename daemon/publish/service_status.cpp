#include "daemon/publish/service_status.h"

#include <utility>

#include "daemon/publish/status_text.h"

namespace nvccd {

Result<std::unique_ptr<ServiceStatus>> ServiceStatus::create(sd_event* event, Manager& manager,
                                                             Notify notify) {
  std::unique_ptr<ServiceStatus> status(new ServiceStatus(manager, std::move(notify)));
  auto deferred =
      DeferredCall::create(event, [self = status.get()] { self->tell(); }, SD_EVENT_PRIORITY_IDLE);
  if (!deferred) return std::unexpected(deferred.error());
  status->deferred_ = *std::move(deferred);
  status->tell_soon();
  return status;
}

ServiceStatus::ServiceStatus(Manager& manager, Notify notify)
    : manager_(manager), notify_(std::move(notify)) {
  manager_.add_observer(*this);
}

ServiceStatus::~ServiceStatus() {
  manager_.remove_observer(*this);
}

void ServiceStatus::tell() {
  const auto current = manager_.current_job();
  const auto job = current ? manager_.jobs().find(*current) : manager_.jobs().end();
  auto text = status_text(manager_.node(), manager_.devices(),
                          job == manager_.jobs().end() ? nullptr : &job->second, broken_settings_);
  if (text == told_) return;
  told_ = std::move(text);
  notify_("STATUS=" + told_);
}

void ServiceStatus::set_broken_settings(std::string why) {
  broken_settings_ = std::move(why);
  tell_soon();
}

}  // namespace nvccd
