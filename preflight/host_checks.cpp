// The processor, KVM, the IOMMU and the kernel: what every confidential guest needs, with or without a GPU.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "preflight/check.h"

namespace nvccd::preflight {
namespace {

Verdict check_confidential(const Subject& subject) {
  switch (subject.confidential) {
    case HostConfidential::tdx:
      return ok("Intel TDX is enabled");
    case HostConfidential::sev_snp:
      if (!subject.platform.misc_devices.contains("sev"))
        return fail(
            "SEV-SNP is enabled in KVM, but there is no /dev/sev: the AMD secure processor does not answer",
            "enable the secure processor (PSP) in the firmware setup and load the kernel module ccp");
      return ok("AMD SEV-SNP is enabled");
    case HostConfidential::none:
      break;
  }
  if (!subject.wants_confidential()) return skip("no confidential guests are wanted: the mode is off");
  if (subject.platform.can_sev_snp)
    return fail(
        "the processor has SEV-SNP, but KVM does not use it (kvm_amd parameter sev_snp is not Y)",
        "enable SME and SNP memory coverage in the firmware setup and do not switch the IOMMU off or to "
        "passthrough; the kernel log says what is missing (journalctl -k -g SNP)");
  if (subject.platform.can_tdx)
    return fail("the processor has TDX, but KVM does not use it (kvm_intel parameter tdx is not Y)",
                "boot with kvm_intel.tdx=1; the kernel log says what is missing (journalctl -k -g tdx)");
  return warn("neither Intel TDX nor AMD SEV-SNP is there, so guests cannot be confidential",
              "enable it in the firmware setup if the processor has it, with a kernel that supports it; for "
              "ordinary guests set mode.default to \"off\"");
}

Verdict check_guest_capacity(const Subject& subject) {
  if (subject.confidential == HostConfidential::none) return skip("no confidential guests are possible");
  const bool tdx = subject.confidential == HostConfidential::tdx;
  const auto& capacities = subject.platform.guest_capacity;
  if (!capacities) return skip("the kernel does not say how many (no misc controller in the cgroups)");
  const auto capacity = capacities->find(tdx ? "tdx" : "sev_es");
  if (capacity == capacities->end() || capacity->second <= 0)
    return warn(
        fmt::format("the kernel has no {} to give to guests", tdx ? "TDX keys" : "SEV-ES/SNP address spaces"),
        tdx ? "raise the number of TDX private keys in the firmware setup"
            : "raise the minimum SEV non-ES ASID in the firmware setup: those below it are for SEV-ES and "
              "SNP");
  return ok(fmt::format("up to {} confidential guests", capacity->second));
}

Verdict check_kvm(const Subject& subject) {
  if (subject.platform.misc_devices.contains("kvm")) return ok("KVM is there");
  return fail("there is no /dev/kvm",
              "enable virtualisation in the firmware setup and load kvm_amd or kvm_intel");
}

Verdict check_lockdown(const Subject& subject) {
  const auto& lockdown = subject.platform.lockdown;
  if (!lockdown)
    return subject.platform.has_securityfs
               ? ok("this kernel has no lockdown")
               : skip("securityfs is not mounted, so whether the kernel is locked down is not known");
  if (!*lockdown) return skip(lockdown->error().message());
  if ((*lockdown)->find("[none]") != std::string::npos) return ok("the kernel is not locked down");
  return fail(
      "the kernel is locked down, which forbids mapping the registers of devices: no mode can be read or set",
      "boot without lockdown= on the kernel command line; where Secure Boot brings it, switch Secure Boot "
      "off");
}

// ---- IOMMU ----

bool has_argument(const std::vector<std::string>& arguments, std::initializer_list<std::string_view> wanted) {
  return std::ranges::any_of(arguments, [&](const std::string& argument) {
    return std::ranges::find(wanted, argument) != wanted.end();
  });
}

std::string why_no_iommu(const Platform& platform) {
  if (has_argument(platform.kernel_arguments, {"iommu=off", "intel_iommu=off", "amd_iommu=off"}))
    return "remove iommu=off, intel_iommu=off or amd_iommu=off from the kernel command line";
  if (platform.has_iommu) return "boot with intel_iommu=on: the IOMMU is there but does not translate";
  return "enable the IOMMU (VT-d, AMD-Vi, SMMU) in the firmware setup; on Intel also boot with "
         "intel_iommu=on";
}

Verdict check_iommu(const Subject& subject) {
  const auto& platform = subject.platform;
  if (platform.vfio_without_iommu)
    return fail("VFIO runs without an IOMMU (enable_unsafe_noiommu_mode): devices can reach all memory",
                "remove that option from the kernel command line and modprobe.d, and enable the IOMMU");
  const auto groups = platform.group_types.size();
  if (groups == 0) return fail("the IOMMU is off: there are no IOMMU groups", why_no_iommu(platform));
  return ok(fmt::format("the IOMMU is on, {} groups", groups));
}

// What the kernel did counts, not its command line.
Verdict check_passthrough(const Subject& subject) {
  std::size_t known = 0;
  std::size_t identity = 0;
  for (const auto& [group, type] : subject.platform.group_types) {
    if (type.empty()) continue;
    ++known;
    if (type.starts_with("identity")) ++identity;
  }
  if (known == 0) return skip("there are no IOMMU groups that say how they translate");
  if (identity < known) return ok("the IOMMU translates");
  if (subject.confidential != HostConfidential::sev_snp && !subject.platform.can_sev_snp)
    return ok("the IOMMU is in passthrough mode, which does no harm here");
  return fail("the IOMMU is in passthrough mode, with which SEV-SNP does not work",
              "remove iommu=pt and iommu.passthrough=1 from the kernel command line, or add iommu=nopt");
}

Verdict check_iommufd(const Subject& subject) {
  if (subject.platform.misc_devices.contains("iommu")) return ok("iommufd is there");
  if (!subject.wants_confidential()) return skip("there is no iommufd; only confidential guests need it");
  return fail("there is no /dev/iommu, without which Kata gives no device to a confidential guest",
              "load the kernel module iommufd; a kernel without it (Debian's) has to be replaced by one with "
              "CONFIG_IOMMUFD and CONFIG_VFIO_DEVICE_CDEV");
}

constexpr Check host_check_rows[] = {
    {"host.confidential", check_confidential},
    {"host.guests", check_guest_capacity},
    {"host.kvm", check_kvm},
    {"host.lockdown", check_lockdown},
    {"iommu.enabled", check_iommu},
    {"iommu.passthrough", check_passthrough},
    {"iommufd.kernel", check_iommufd},
};

}  // namespace

std::span<const Check> host_checks() {
  return host_check_rows;
}

}  // namespace nvccd::preflight
