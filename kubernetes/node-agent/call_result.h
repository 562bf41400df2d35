// How a call of nvccd has ended, and a job that came of it.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace nvccd::agent {

struct CallError {
  enum class Kind {
    passing,  // another try may do
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
  std::string job = {};  // its path; "" of a call that starts none
  bool affects = true;   // some device changes by it, as far as is known
};

using CallResult = std::expected<Started, CallError>;

}  // namespace nvccd::agent
