#include "kubernetes/device-plugin/advertisement_files.h"

#include <fmt/format.h>

#include "common/formats/withdrawal.h"

namespace nvccd::kubernetes {

Result<Advertisement> read_advertisement(const std::filesystem::path& state_file,
                                         const std::filesystem::path& withdraw_file) {
  const auto state = read_state_file(state_file);
  if (!state) {
    Error error = state.error();
    error.advice = "no device can be used while nvccd does not run: see systemctl status nvccd";
    return std::unexpected(std::move(error));
  }
  Advertisement advertisement = advertise(*state);
  if (is_withdrawn(withdraw_file).value_or(true))
    withdraw(advertisement, fmt::format("all devices are withdrawn for a change of their mode ({} exists)",
                                        withdraw_file.string()));
  return advertisement;
}

}  // namespace nvccd::kubernetes
