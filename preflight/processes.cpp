#include "preflight/processes.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

namespace nvccd::preflight {
namespace {

std::vector<std::string> split_arguments(std::string_view text) {
  std::vector<std::string> arguments;
  while (!text.empty()) {
    const auto end = std::min(text.find('\0'), text.size());
    arguments.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return arguments;
}

bool same_file(const std::filesystem::path& one, const std::filesystem::path& other) {
  struct stat first{};
  struct stat second{};
  return ::stat(one.c_str(), &first) == 0 && ::stat(other.c_str(), &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

bool is_in_host_root(const HostView& host, const std::string& pid) {
  const auto root = host.path(fmt::format("/proc/{}/root", pid));
  std::error_code error;
  // Where that may not be looked at, the owner has to do.
  return !std::filesystem::exists(root / "etc", error) || same_file(root / "etc", host.path("/etc"));
}

}  // namespace

std::string Process::name() const {
  return std::filesystem::path(arguments.front()).filename().string();
}

std::optional<std::string> Process::option(std::string_view name) const {
  std::optional<std::string> value;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    if (!argument.starts_with(name)) continue;
    const auto rest = argument.substr(name.size());
    if (rest.starts_with('='))
      value = rest.substr(1);
    else if (rest.empty() && i + 1 < arguments.size())
      value = arguments[i + 1];
  }
  return value;
}

std::optional<std::vector<Process>> list_processes(const HostView& host) {
  struct stat proc{};
  // The first process is always there, so who does not see it does not see the others either.
  if (!host.has("/proc/1/cmdline") || ::stat(host.path("/proc").c_str(), &proc) != 0) return std::nullopt;
  std::vector<Process> processes;
  for (const auto& name : host.list("/proc")) {
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    struct stat owner{};
    if (::stat(host.path("/proc/" + name).c_str(), &owner) != 0 || owner.st_uid != proc.st_uid) continue;
    const auto text = host.read(fmt::format("/proc/{}/cmdline", name));
    if (!text) continue;
    auto arguments = split_arguments(*text);
    if (!arguments.empty()) processes.push_back({name, std::move(arguments), is_in_host_root(host, name)});
  }
  return processes;
}

Error hidden_processes() {
  return {.cause = "other processes and their arguments cannot be seen from here"};
}

bool service_runs(const HostView& host, std::string_view unit) {
  // The unified hierarchy, and where it is beside the old ones.
  for (const auto* hierarchy : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd"}) {
    const auto processes = host.read(fmt::format("{}/system.slice/{}/cgroup.procs", hierarchy, unit));
    if (processes && !processes->empty()) return true;
  }
  return false;
}

}  // namespace nvccd::preflight
