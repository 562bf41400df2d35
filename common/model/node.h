// The node as a whole, and the jobs that change it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/model/error.h"
#include "common/model/mode.h"
#include "common/model/pci_address.h"

namespace nvccd {

enum class ModeState { unknown, transitioning, failed, off, on, devtools, ppcie };
template <>
inline constexpr EnumRow<ModeState> enum_table<ModeState>[] = {
    {ModeState::unknown, "unknown"}, {ModeState::transitioning, "transitioning"},
    {ModeState::failed, "failed"},   {ModeState::off, "off"},
    {ModeState::on, "on"},           {ModeState::devtools, "devtools"},
    {ModeState::ppcie, "ppcie"}};
ModeState to_mode_state(Mode mode);

// What protects guests on this host's processor.
enum class HostConfidential { none, tdx, sev_snp };
template <>
inline constexpr EnumRow<HostConfidential> enum_table<HostConfidential>[] = {
    {HostConfidential::none, "none"}, {HostConfidential::tdx, "tdx"}, {HostConfidential::sev_snp, "sev-snp"}};

struct NodeState {
  Mode default_mode = Mode::on;
  std::optional<Mode> node_mode;
  Mode requested_mode = Mode::on;
  ModeState mode_state = ModeState::unknown;
  bool ready = false;
  HostConfidential host_confidential = HostConfidential::none;
  std::string error;             // "" when nothing is wrong
  std::uint64_t generation = 0;  // grows with every published change

  bool operator==(const NodeState&) const = default;
};

enum class JobKind { set_mode, clear_mode, bind, unbind, reset };
template <>
inline constexpr EnumRow<JobKind> enum_table<JobKind>[] = {{JobKind::set_mode, "set-mode"},
                                                           {JobKind::clear_mode, "clear-mode"},
                                                           {JobKind::bind, "bind"},
                                                           {JobKind::unbind, "unbind"},
                                                           {JobKind::reset, "reset"}};

enum class JobState { queued, waiting, running, done, failed, cancelled };
template <>
inline constexpr EnumRow<JobState> enum_table<JobState>[] = {
    {JobState::queued, "queued"}, {JobState::waiting, "waiting"}, {JobState::running, "running"},
    {JobState::done, "done"},     {JobState::failed, "failed"},   {JobState::cancelled, "cancelled"}};

enum class JobPhase { evict, bind, stage, reset, boot, verify };
template <>
inline constexpr EnumRow<JobPhase> enum_table<JobPhase>[] = {
    {JobPhase::evict, "evict"}, {JobPhase::bind, "bind"}, {JobPhase::stage, "stage"},
    {JobPhase::reset, "reset"}, {JobPhase::boot, "boot"}, {JobPhase::verify, "verify"}};

using JobId = std::uint32_t;

struct JobSnapshot {
  JobId id = 0;
  JobKind kind = JobKind::set_mode;
  std::optional<Mode> mode;         // nullopt for jobs that set none
  std::vector<PciAddress> devices;  // those the job changes
  JobState state = JobState::queued;
  JobPhase phase = JobPhase::stage;
  double progress = 0;                  // 0 to 1
  std::string error;                    // "" when nothing went wrong
  std::optional<ErrorKind> error_kind;  // set with `error`

  // Whether the job sets the node's mode, rather than doing something with a single device.
  bool sets_mode() const { return kind == JobKind::set_mode || kind == JobKind::clear_mode; }
  bool finished() const {
    return state == JobState::done || state == JobState::failed || state == JobState::cancelled;
  }
  bool operator==(const JobSnapshot&) const = default;
};

}  // namespace nvccd
