#include "client/fix.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <string>

#include "client/text.h"
#include "preflight/preflight.h"
#include "preflight/repair.h"

namespace nvccd::client {
namespace {

void show(const std::vector<preflight::Repair>& repairs) {
  for (const auto& repair : repairs) {
    fmt::print("{} (for {})\n", repair.description(), fmt::join(repair.findings, ", "));
    std::string_view content = repair.content;
    while (!content.empty()) {
      const auto end = std::min(content.find('\n'), content.size());
      fmt::print("    {}\n", printable(std::string(content.substr(0, end))));
      content.remove_prefix(std::min(end + 1, content.size()));
    }
  }
}

bool ask(std::size_t count) {
  fmt::print("\n{} [y/N] ", count == 1 ? "Do this?" : fmt::format("Do these {} things?", count));
  std::fflush(stdout);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

ClientResult<> apply(const preflight::Repair& repair) {
  const auto copy = preflight::apply(repair, preflight::HostView());
  if (!copy) return std::unexpected(ClientError{ExitStatus::failed, copy.error().message()});
  fmt::print("{}: done{}\n", repair.description(),
             copy->empty() ? "" : fmt::format("; what was there is now {}", *copy));
  return {};
}

}  // namespace

ClientResult<ExitStatus> fix(const Arguments& arguments) {
  // Seen with all that this user may see, which is more than the service does in its sandbox.
  const auto subject = preflight::look_over_without_daemon();
  const auto repairs = preflight::plan_repairs(subject, preflight::judge(subject));
  if (repairs.empty()) {
    fmt::print("there is nothing that can be put right without risk; nvccctl check says what else to do\n");
    return ExitStatus::done;
  }
  show(repairs);
  if (::geteuid() != 0)
    return std::unexpected(
        ClientError{ExitStatus::not_authorised, "only root can do this", "sudo nvccctl check --fix"});
  if (!arguments.yes && ::isatty(STDIN_FILENO) == 0)
    return std::unexpected(ClientError{ExitStatus::failed, "nothing was done, as nobody can be asked",
                                       "nvccctl check --fix --yes does it"});
  if (!arguments.yes && !ask(repairs.size())) {
    fmt::print("nothing was done\n");
    return ExitStatus::failed;
  }
  for (const auto& repair : repairs)
    if (auto done = apply(repair); !done) return std::unexpected(done.error());
  for (const auto& repair : repairs)
    if (!repair.afterwards.empty()) fmt::print("now: {}\n", repair.afterwards);
  return ExitStatus::done;
}

}  // namespace nvccd::client
