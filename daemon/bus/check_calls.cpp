#include "daemon/bus/check_calls.h"

#include <string>
#include <utility>

#include "daemon/bus/signal.h"
#include "daemon/bus/text.h"

namespace nvccd::dbus {
namespace {

int append(sd_bus_message* reply, const Finding& finding) {
  return sd_bus_message_append(reply, "(ssss)", finding.id.c_str(),
                               std::string(to_string(finding.result)).c_str(), to_utf8(finding.found).c_str(),
                               to_utf8(finding.advice).c_str());
}

int send_answer(sd_bus_message* call, const Findings& findings) {
  BusMessagePtr reply;
  int r = sd_bus_message_new_method_return(call, out(reply));
  sd_bus_message* const message = reply.get();
  if (r >= 0) r = sd_bus_message_open_container(message, 'a', "(ssss)");
  for (const Finding& finding : findings)
    if (r >= 0) r = append(message, finding);
  if (r >= 0) r = sd_bus_message_close_container(message);
  return r < 0 ? r : sd_bus_message_send(message);
}

}  // namespace

CallResult CheckCalls::add(BusMessagePtr call) {
  const char* sender = sd_bus_message_get_sender(call.get());
  if (!sender || !may_wait(waiting_, sender, [](const BusMessagePtr& other) { return other.get(); }))
    return std::unexpected(CallError{SD_BUS_ERROR_LIMITS_EXCEEDED, "too many calls wait for the checks"});
  waiting_.push_back(std::move(call));
  if (waiting_.size() > 1) return {};
  check_([self = std::weak_ptr(self_)](const Findings& findings) {
    if (const auto calls = self.lock()) (*calls)->answer(findings);
  });
  return {};
}

void CheckCalls::answer(const Findings& findings) {
  for (const BusMessagePtr& call : std::exchange(waiting_, {}))
    expect_sent(send_answer(call.get(), findings), sd_bus_message_get_path(call.get()));
}

}  // namespace nvccd::dbus
