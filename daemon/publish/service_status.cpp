#include "publish/service_status.h"

#include <utility>

#include "publish/status_text.h"

namespace nvccd {

Result<std::unique_ptr<ServiceStatus>> ServiceStatus::create(sd_event* event, Manager& manager,
                                                             Notify notify) {
  std::unique_ptr<ServiceStatus> status(new ServiceStatus(manager, std::move(notify)));
  sd_event_source* source = nullptr;
  int r = sd_event_add_defer(event, &source, on_deferred, status.get());
  status->deferred_.reset(source);
  if (r >= 0) r = sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IDLE);
  if (r < 0) return std::unexpected(system_error("set up the telling of the status", -r));
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

void ServiceStatus::tell_soon() {
  (void)sd_event_source_set_enabled(deferred_.get(), SD_EVENT_ONESHOT);
}

int ServiceStatus::on_deferred(sd_event_source*, void* userdata) noexcept {
  static_cast<ServiceStatus*>(userdata)->tell();
  return 0;
}

}  // namespace nvccd
