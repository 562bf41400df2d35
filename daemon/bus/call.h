// A method call in two steps: read and check its arguments, then, once the caller is known to be allowed,
// act.
#pragma once

#include <systemd/sd-bus.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <expected>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/event.h"
#include "common/model/error.h"
#include "common/model/node.h"

namespace nvccd::dbus {

// What the caller is told: the D-Bus name of the error and a sentence.
struct CallError {
  std::string name;
  std::string message;
};

using CallResult = std::expected<void, CallError>;

CallError to_call_error(const Error& error);
CallError invalid_arguments(std::string message);

int set_error(sd_bus_error* error, const CallError& call_error);

// What a call is going to do. A person may type a password before `run` is called, so `run` keeps values only
// and looks up everything else again. `run` appends the results to the reply, which is sent on success.
struct Action {
  std::function<CallResult(sd_bus_message* reply)> run;
  std::vector<std::pair<std::string, std::string>> details = {};  // what polkit rules may ask about
  // Called in place of `run` where the answer takes time: keeps the call and answers it later.
  std::function<CallResult(BusMessagePtr call)> run_later = {};
};

using ActionResult = std::expected<Action, CallError>;

// Runs the action and answers the call.
int execute(sd_bus_message* call, const Action& action, sd_bus_error* error);

// For the negative errno of a function that appends to a reply.
CallResult to_result(int r);

// Appends the object path of the job that a request started, or passes its error on.
CallResult append_job(sd_bus_message* reply, const Result<JobId>& job);

// Whether one more call of this sender may be kept beside those that wait for an answer already. People and
// programs wait for few; more is somebody filling our memory. `call_of` gets the message of an entry.
template <typename Waiting, typename CallOf>
bool may_wait(const Waiting& waiting, const char* sender, CallOf call_of) {
  constexpr std::size_t most = 64;
  constexpr std::ptrdiff_t most_of_a_caller = 8;
  const auto of_this_caller = std::ranges::count_if(waiting, [&](const auto& entry) {
    return std::strcmp(sd_bus_message_get_sender(call_of(entry)), sender) == 0;
  });
  return waiting.size() < most && of_this_caller < most_of_a_caller;
}

// Instead of callback<> where somebody waits for an answer: what is thrown in `body` becomes a D-Bus error.
template <typename Body>
int at_c_boundary(sd_bus_error* error, Body body) {
  try {
    return body();
  } catch (const std::exception& exception) {
    return sd_bus_error_set(error, SD_BUS_ERROR_FAILED, exception.what());
  }
}

}  // namespace nvccd::dbus
