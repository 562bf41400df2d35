#include "daemon/bus/call.h"

#include "common/bus/error_name.h"
#include "common/bus/names.h"
#include "daemon/bus/text.h"

namespace nvccd::dbus {

CallError to_call_error(const Error& error) {
  return {error_name(error.kind), error.message()};
}

CallError invalid_arguments(std::string message) {
  return {SD_BUS_ERROR_INVALID_ARGS, std::move(message)};
}

int set_error(sd_bus_error* error, const CallError& call_error) {
  return sd_bus_error_set(error, call_error.name.c_str(), to_utf8(call_error.message).c_str());
}

int execute(sd_bus_message* call, const Action& action, sd_bus_error* error) {
  if (action.run_later) {
    const auto kept = action.run_later(share(call));
    return kept ? 1 : set_error(error, kept.error());
  }
  BusMessagePtr reply;
  if (const int r = sd_bus_message_new_method_return(call, out(reply)); r < 0) return r;
  if (const auto done = action.run(reply.get()); !done) return set_error(error, done.error());
  return sd_bus_message_send(reply.get());
}

CallResult to_result(int r) {
  if (r < 0) return std::unexpected(to_call_error(system_error("write the reply", -r)));
  return {};
}

CallResult append_job(sd_bus_message* reply, const Result<JobId>& job) {
  if (!job) return std::unexpected(to_call_error(job.error()));
  return to_result(sd_bus_message_append(reply, "o", job_path(*job).c_str()));
}

}  // namespace nvccd::dbus
