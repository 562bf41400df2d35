// What a preflight check found on this host: see org.nvccd1.Manager.Check and nvccctl check.
#pragma once

#include <string>
#include <vector>

#include "common/model/enum_table.h"

namespace nvccd {

// In order of how bad it is; skip: the check does not concern this host, or could not be made.
enum class CheckResult { ok, skip, warn, fail };
template <>
inline constexpr EnumRow<CheckResult> enum_table<CheckResult>[] = {{CheckResult::ok, "ok"},
                                                                   {CheckResult::skip, "skip"},
                                                                   {CheckResult::warn, "warn"},
                                                                   {CheckResult::fail, "fail"}};

struct Finding {
  std::string id;  // stable, such as "iommu.groups": what manuals and scripts refer to
  CheckResult result = CheckResult::skip;
  std::string found;   // one sentence; with skip the reason
  std::string advice;  // what to do, one sentence; "" when there is nothing to do

  bool operator==(const Finding&) const = default;
};

using Findings = std::vector<Finding>;

}  // namespace nvccd
