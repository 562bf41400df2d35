// What the kernel itself complained of since it was booted.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "preflight/check.h"

namespace nvccd::preflight {
namespace {

// Whether the text is about SEV-SNP, its firmware (which the ccp driver calls SEV) or TDX.
bool is_about_confidential_guests(std::string_view text) {
  return std::ranges::any_of(std::array{"SNP", " SEV: ", "TDX", "tdx"},
                             [&](std::string_view word) { return text.contains(word); });
}

bool is_about_a_device(const Subject& subject, std::string_view text) {
  return std::ranges::any_of(
      subject.devices, [&](const CheckedDevice& device) { return text.contains(to_string(device.address)); });
}

Verdict check_kernel_log(const Subject& subject) {
  constexpr int warning = 4;
  constexpr std::size_t max_shown = 3;
  const auto& log = subject.kernel_log;
  if (!log) return skip(log.error().message());
  std::vector<std::string> complaints;
  for (const auto& message : *log) {
    if (message.level > warning) continue;
    const bool matters = is_about_a_device(subject, message.text) ||
                         (subject.wants_confidential() && is_about_confidential_guests(message.text));
    if (matters && std::ranges::find(complaints, message.text) == complaints.end())
      complaints.push_back(message.text);
  }
  if (complaints.empty()) return ok("the kernel complains neither of the devices nor of confidential guests");
  const auto more = complaints.size() - std::min(complaints.size(), max_shown);
  // The first complaint is the cause more often than the last.
  complaints.resize(complaints.size() - more);
  auto found = fmt::format("the kernel warns: {}", fmt::join(complaints, "; "));
  if (more > 0) found += fmt::format("; and {} more", more);
  return warn(std::move(found),
              "see what came before and after it (journalctl -k); an old warning goes with the next boot");
}

constexpr Check kernel_log_check_rows[] = {
    {"kernel.log", check_kernel_log, true},
};

}  // namespace

std::span<const Check> kernel_log_checks() {
  return kernel_log_check_rows;
}

}  // namespace nvccd::preflight
