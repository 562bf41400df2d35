#include "daemon/preparation.h"

#include <algorithm>

#include "common/host/device_facts.h"
#include "common/policy/desired.h"
#include "daemon/pci/binding.h"

namespace nvccd {

bool service_is_masked(const std::filesystem::path& root) {
  // systemd.mask= on the kernel's command line, systemctl mask, systemctl mask --runtime
  constexpr std::string_view directories[] = {"run/systemd/generator.early", "etc/systemd/system",
                                              "run/systemd/system"};
  return std::ranges::any_of(directories, [&](std::string_view directory) {
    std::error_code error;
    return std::filesystem::read_symlink(root / directory / "nvccd.service", error) == "/dev/null";
  });
}

Result<std::optional<std::string>> choose_driver(const HostPaths& paths, const PciAddress& address,
                                                 const Settings& settings) {
  const auto facts = read_facts(paths, address);
  if (!facts || !settings.vfio.bind) return std::nullopt;
  if (!desired_device(settings, Mode::off, address, facts->kind, facts->device_id).managed)
    return std::nullopt;
  auto driver = load_vfio_driver(paths, address, settings.vfio.driver);
  if (!driver) return std::unexpected(on_device(driver.error(), address));
  return *std::move(driver);
}

std::vector<Error> prepare_devices(const HostPaths& paths, const Settings& settings) {
  std::vector<Error> failures;
  for (const auto& address : list_devices(paths)) {
    const auto driver = choose_driver(paths, address, settings);
    if (!driver) failures.push_back(driver.error());
    if (!driver || !*driver) continue;
    // An override detaches nothing; the daemon takes it back from a device that is in use.
    const auto current = link_name(paths.device(address) / "driver");
    if (!current.empty() && !is_takeover_driver(current)) continue;
    if (auto written = write_attribute(paths.device(address) / "driver_override", **driver); !written)
      failures.push_back(on_device(written.error(), address));
  }
  return failures;
}

}  // namespace nvccd
