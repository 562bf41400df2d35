// How a call of nvccd has ended, and the job that it started.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace nvccd::agent {

struct CallError {
  enum class Kind {
    passing,  // another try may succeed
    refused,  // nvccd will not do it, however often it is asked
    in_use,   // refused because virtual machines have devices
  };
  Kind kind = Kind::passing;
  std::string message;
};

// By the D-Bus name of the error.
CallError::Kind kind_of_error(std::string_view name);

// What a call has led to.
struct Started {
  std::string job = {};  // its path; "": the call starts none
  bool affects = true;   // the job changes some device, as far as is known
};

using CallResult = std::expected<Started, CallError>;

}  // namespace nvccd::agent
