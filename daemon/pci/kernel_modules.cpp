#include "pci/kernel_modules.h"

#include <fmt/format.h>
#include <libkmod.h>

#include <memory>

namespace nvccd {
namespace {

struct KmodDeleter {
  void operator()(kmod_ctx* context) const { kmod_unref(context); }
  void operator()(kmod_list* list) const { kmod_module_unref_list(list); }
  void operator()(kmod_module* module) const { kmod_module_unref(module); }
};
using KmodContextPtr = std::unique_ptr<kmod_ctx, KmodDeleter>;
using KmodListPtr = std::unique_ptr<kmod_list, KmodDeleter>;
using KmodModulePtr = std::unique_ptr<kmod_module, KmodDeleter>;

constexpr auto general_module = "vfio_pci";

Result<KmodContextPtr> make_context() {
  KmodContextPtr context(kmod_new(nullptr, nullptr));
  if (!context) return std::unexpected(Error{.cause = "cannot look for kernel modules: out of memory"});
  return context;
}

}  // namespace

Result<std::vector<std::string>> find_vfio_modules(const std::string& device_modalias) {
  const auto context = make_context();
  if (!context) return std::unexpected(context.error());
  // "pci:v000010DEd..." is what drivers for the device announce; vfio drivers announce the same behind
  // "vfio_".
  const auto alias = "vfio_" + device_modalias;
  kmod_list* found = nullptr;
  const int result = kmod_module_new_from_lookup(context->get(), alias.c_str(), &found);
  const KmodListPtr list(found);
  if (result < 0)
    return std::unexpected(
        system_error(fmt::format("cannot look for kernel modules for {}", alias), -result));
  std::vector<std::string> names;
  for (kmod_list* entry = found; entry != nullptr; entry = kmod_list_next(found, entry)) {
    const KmodModulePtr module(kmod_module_get_module(entry));
    names.emplace_back(kmod_module_get_name(module.get()));
  }
  if (std::erase(names, general_module) > 0) names.emplace_back(general_module);
  return names;
}

Result<> load_module(const std::string& name) {
  const auto context = make_context();
  if (!context) return std::unexpected(context.error());
  kmod_list* found = nullptr;
  const int looked_up = kmod_module_new_from_lookup(context->get(), name.c_str(), &found);
  const KmodListPtr list(found);
  if (looked_up < 0)
    return std::unexpected(system_error(fmt::format("cannot look for kernel module {}", name), -looked_up));
  if (found == nullptr)
    return std::unexpected(Error{.cause = fmt::format("this kernel has no module {}", name),
                                 .advice = "install the package with the kernel's vfio modules"});
  for (kmod_list* entry = found; entry != nullptr; entry = kmod_list_next(found, entry)) {
    const KmodModulePtr module(kmod_module_get_module(entry));
    const int inserted = kmod_module_probe_insert_module(module.get(), 0, nullptr, nullptr, nullptr, nullptr);
    if (inserted < 0)
      return std::unexpected(system_error(fmt::format("cannot load kernel module {}", name), -inserted));
  }
  return {};
}

Result<std::string> driver_of_module(const HostPaths& paths, const std::string& module) {
  const auto directory = fmt::format("{}/module/{}/drivers", paths.sys, module);
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const auto name = entry.path().filename().string();
    if (name.starts_with("pci:")) return name.substr(4);
  }
  return std::unexpected(
      Error{.cause = fmt::format("kernel module {} has registered no PCI driver", module)});
}

}  // namespace nvccd
