#include "preflight/repair.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "common/base/atomic_file.h"
#include "common/host/kernel_modules.h"

namespace nvccd::preflight {
namespace {

constexpr auto mark = "# Written by \"nvccctl check --fix\". Remove the file to undo it.\n";

bool is_trouble(const Findings& findings, std::string_view id) {
  return std::ranges::any_of(findings, [&](const Finding& finding) {
    return finding.id == id && (finding.result == CheckResult::warn || finding.result == CheckResult::fail);
  });
}

std::optional<Repair> deny_modules(const Findings& findings) {
  if (!is_trouble(findings, "driver.autoload")) return std::nullopt;
  std::string content = mark;
  for (const auto& module : host_modules)
    content += fmt::format("blacklist {}\n", module);
  return Repair{.findings = {"driver.autoload"},
                .file = "/etc/modprobe.d/nvccd-deny.conf",
                .content = std::move(content),
                .afterwards = "rebuild the initramfs (update-initramfs -u, or dracut -f)"};
}

std::optional<Repair> load(const Result<bool>& there, const Findings& findings, const char* id,
                           const char* module) {
  if (!is_trouble(findings, id) || !there.value_or(false)) return std::nullopt;
  return Repair{.findings = {id}, .module = module};
}

// Into a drop-in, and only if the kubelet reads drop-ins. The file is written as a whole, so what is right
// already is repeated.
std::optional<Repair> set_up_kubelet(const Subject& subject, const Findings& findings) {
  if (!subject.kubernetes) return std::nullopt;
  const auto& kubelet = subject.kubernetes->kubelet;
  if (!kubelet || kubelet->drop_in_directory.empty()) return std::nullopt;
  Repair repair{.file = fmt::format("{}/{}", kubelet->drop_in_directory, kubelet_drop_in),
                .afterwards = "systemctl restart kubelet"};
  const auto value = [&](const char* id, const std::string& path,
                         const char* wanted) -> std::optional<std::string> {
    if (kubelet->overridden.contains(path)) return std::nullopt;
    if (!is_trouble(findings, id)) return kubelet->settings.find(path);
    repair.findings.emplace_back(id);
    return wanted;
  };
  repair.content =
      std::string(mark) + "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";
  if (const auto timeout = value("kubelet.request-timeout", "runtimeRequestTimeout", "20m"))
    repair.content += fmt::format("runtimeRequestTimeout: {}\n", *timeout);
  std::string gates;
  for (const auto& [id, gate] : {std::pair{"kubelet.pod-resources-get", "KubeletPodResourcesGet"},
                                 std::pair{"kubelet.runtime-class-image", "RuntimeClassInImageCriApi"}})
    if (const auto on = value(id, fmt::format("featureGates/{}", gate), "true"))
      gates += fmt::format("  {}: {}\n", gate, *on);
  if (!gates.empty()) repair.content += "featureGates:\n" + gates;
  if (repair.findings.empty()) return std::nullopt;
  return repair;
}

}  // namespace

std::string Repair::description() const {
  return file.empty() ? fmt::format("load kernel module {}", module) : fmt::format("write {}", file);
}

std::vector<Repair> plan_repairs(const Subject& subject, const Findings& findings) {
  std::vector<Repair> repairs;
  for (auto& repair :
       {deny_modules(findings), load(subject.modules.vfio_pci, findings, "vfio.driver", "vfio_pci"),
        load(subject.modules.iommufd, findings, "iommufd.kernel", "iommufd"),
        set_up_kubelet(subject, findings)})
    if (repair) repairs.push_back(*repair);
  return repairs;
}

Result<std::string> apply(const Repair& repair, const HostView& host) {
  if (repair.file.empty()) {
    if (auto loaded = load_module(repair.module); !loaded) return std::unexpected(loaded.error());
    return "";
  }
  std::string copy;
  if (host.has(repair.file)) {
    const auto old = host.read(repair.file);
    if (!old) return std::unexpected(old.error());
    if (!old->starts_with(mark)) {
      copy = repair.file + ".before-nvccd";
      if (host.has(copy))
        return std::unexpected(Error{
            .cause = fmt::format("{} is there already, so no copy of {} can be kept", copy, repair.file),
            .advice = "move the copy away"});
      if (auto kept = write_file_atomically(host.path(copy), *old, 0644); !kept)
        return std::unexpected(kept.error());
    }
  }
  std::error_code error;
  std::filesystem::create_directories(host.path(repair.file).parent_path(), error);
  if (auto written = write_file_atomically(host.path(repair.file), repair.content, 0644); !written)
    return std::unexpected(written.error());
  return copy;
}

}  // namespace nvccd::preflight
