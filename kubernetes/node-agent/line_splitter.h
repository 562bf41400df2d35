// Makes lines of what comes in pieces.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "common/model/error.h"

namespace nvccd::agent {

class LineSplitter {
 public:
  // More than a Kubernetes object can have; a longer line is refused before it fills the memory.
  static constexpr std::size_t longest_line = 2 << 20;

  // Calls `take` for each line that is complete, without its end; empty lines are left out. An error of
  // `take`, or a line that is too long, ends the call with an error.
  Result<> feed(std::string_view data, const std::function<Result<>(std::string_view)>& take);

 private:
  std::string rest_;
};

}  // namespace nvccd::agent
