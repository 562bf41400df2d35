#include "common/model/node.h"

#include <utility>

namespace nvccd {

std::string_view to_string(ModeState state) {
  switch (state) {
    case ModeState::unknown:
      return "unknown";
    case ModeState::transitioning:
      return "transitioning";
    case ModeState::failed:
      return "failed";
    case ModeState::off:
      return "off";
    case ModeState::on:
      return "on";
    case ModeState::devtools:
      return "devtools";
    case ModeState::ppcie:
      return "ppcie";
  }
  std::unreachable();
}

ModeState to_mode_state(Mode mode) {
  switch (mode) {
    case Mode::off:
      return ModeState::off;
    case Mode::on:
      return ModeState::on;
    case Mode::devtools:
      return ModeState::devtools;
    case Mode::ppcie:
      return ModeState::ppcie;
  }
  std::unreachable();
}

std::string_view to_string(HostConfidential host) {
  switch (host) {
    case HostConfidential::none:
      return "none";
    case HostConfidential::tdx:
      return "tdx";
    case HostConfidential::sev_snp:
      return "sev-snp";
  }
  std::unreachable();
}

std::string_view to_string(JobKind kind) {
  switch (kind) {
    case JobKind::set_mode:
      return "set-mode";
    case JobKind::clear_mode:
      return "clear-mode";
    case JobKind::bind:
      return "bind";
    case JobKind::unbind:
      return "unbind";
    case JobKind::reset:
      return "reset";
  }
  std::unreachable();
}

std::string_view to_string(JobState state) {
  switch (state) {
    case JobState::queued:
      return "queued";
    case JobState::waiting:
      return "waiting";
    case JobState::running:
      return "running";
    case JobState::done:
      return "done";
    case JobState::failed:
      return "failed";
    case JobState::cancelled:
      return "cancelled";
  }
  std::unreachable();
}

std::string_view to_string(JobPhase phase) {
  switch (phase) {
    case JobPhase::evict:
      return "evict";
    case JobPhase::bind:
      return "bind";
    case JobPhase::stage:
      return "stage";
    case JobPhase::reset:
      return "reset";
    case JobPhase::boot:
      return "boot";
    case JobPhase::verify:
      return "verify";
  }
  std::unreachable();
}

}  // namespace nvccd
