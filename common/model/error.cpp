#include "common/model/error.h"

#include <fmt/format.h>

#include <system_error>

namespace nvccd {

std::string Error::message() const {
  std::string text;
  if (device) text += to_string(*device) + ": ";
  if (!step.empty()) text += step + ": ";
  text += cause;
  if (!advice.empty()) text += "; " + advice;
  return text;
}

Error on_device(Error error, const PciAddress& device) {
  if (!error.device) error.device = device;
  return error;
}

Error system_error(std::string what, int error_number) {
  return Error{.kind = ErrorKind::system,
               .cause = fmt::format("{}: {}", what, std::generic_category().message(error_number))};
}

}  // namespace nvccd
