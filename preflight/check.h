// What the checks are made of: a check is a pure function from what is known of the host to a verdict.
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

// Where a device that the settings exclude may need the host's drivers, what was found of them is no trouble:
// the skip that says so. nullopt: no device is excluded.
std::optional<Verdict> spare_excluded(const Subject& subject, std::string_view found);

struct Check {
  std::string_view id;  // each has a section of that name in nvccd-checks(7)
  Verdict (*run)(const Subject&);
  // Needs other processes, the files of kernel modules or the kernel's log, which the daemon's sandbox hides.
  bool beyond_sandbox = false;
};

// A topic a file. All but those of the host and of nvccd itself run only where there is something to check.
std::span<const Check> host_checks();
std::span<const Check> isolation_checks();
std::span<const Check> device_checks();
std::span<const Check> driver_checks();
std::span<const Check> conflict_checks();
std::span<const Check> kernel_log_checks();
std::span<const Check> kubernetes_checks();
std::span<const Check> service_checks();

}  // namespace nvccd::preflight
