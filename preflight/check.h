// The parts of a check, which is a pure function from what is known of the host (Subject) to a Verdict.
#pragma once

#include <span>

#include "common/model/finding.h"
#include "preflight/subject.h"

namespace nvccd::preflight {

struct Verdict {
  CheckResult result;
  std::string found;
  std::string advice = {};
};

inline Verdict ok(std::string found) {
  return {CheckResult::ok, std::move(found)};
}
inline Verdict skip(std::string reason) {
  return {CheckResult::skip, std::move(reason)};
}
inline Verdict warn(std::string found, std::string advice) {
  return {CheckResult::warn, std::move(found), std::move(advice)};
}
inline Verdict fail(std::string found, std::string advice) {
  return {CheckResult::fail, std::move(found), std::move(advice)};
}

// A device that the settings exclude may need drivers of the host, so these are then no trouble. Returns the
// skip that says so of `found`; nullopt: no device is excluded.
std::optional<Verdict> spare_excluded(const Subject& subject, std::string_view found);

struct Check {
  std::string_view id;  // nvccd-checks(7) has a section of this name
  Verdict (*run)(const Subject&);
  // Whether the check needs other processes, the files of kernel modules or the kernel's log, which the
  // daemon's sandbox hides.
  bool beyond_sandbox = false;
};

// One function for each topic, in a file of its own. The checks of the host and of nvccd itself always run,
// all others only where there is something to check.
std::span<const Check> host_checks();
std::span<const Check> isolation_checks();
std::span<const Check> device_checks();
std::span<const Check> driver_checks();
std::span<const Check> conflict_checks();
std::span<const Check> kernel_log_checks();
std::span<const Check> kubernetes_checks();
std::span<const Check> service_checks();

}  // namespace nvccd::preflight
