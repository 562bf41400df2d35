#include "common/model/finding.h"

#include <utility>

namespace nvccd {

std::string_view to_string(CheckResult result) {
  switch (result) {
    case CheckResult::ok:
      return "ok";
    case CheckResult::skip:
      return "skip";
    case CheckResult::warn:
      return "warn";
    case CheckResult::fail:
      return "fail";
  }
  std::unreachable();
}

}  // namespace nvccd
