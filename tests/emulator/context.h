// What all parts of one emulated device share: its time, settings, faults, counters and log.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "device.h"
#include "faults.h"

namespace emulator {

struct Context {
  const Clock& clock;
  const Profile& profile;
  Delays delays;
  EventSink sink;
  Faults faults;
  Counters counters;

  void emit(std::string_view event, const std::map<std::string, std::string>& details) const {
    if (sink) sink(event, details);
  }

  void protocol_error(std::string what) {
    ++counters.protocol_errors;
    emit("protocol-error", {{"what", std::move(what)}});
  }
};

}  // namespace emulator
