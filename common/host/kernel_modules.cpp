#include "common/host/kernel_modules.h"

#include <fmt/format.h>
#include <libkmod.h>
#include <sys/utsname.h>

#include <memory>

#include "common/base/c_boundary.h"

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

Result<KmodContextPtr> make_context(const std::string& root) {
  KmodContextPtr context;
  if (root.empty()) {
    context.reset(kmod_new(nullptr, nullptr));
  } else {
    utsname name{};
    ::uname(&name);
    const auto modules = fmt::format("{}/lib/modules/{}", root, name.release);
    const auto administrators = root + "/etc/modprobe.d";
    const auto distributions = root + "/usr/lib/modprobe.d";
    const char* const configuration[] = {administrators.c_str(), distributions.c_str(), nullptr};
    context.reset(kmod_new(modules.c_str(), configuration));
  }
  if (!context) return std::unexpected(Error{.cause = "cannot look for kernel modules: out of memory"});
  return context;
}

Result<KmodListPtr> look_up(kmod_ctx* context, const std::string& alias) {
  KmodListPtr list;
  const int result = kmod_module_new_from_lookup(context, alias.c_str(), out(list));
  if (result < 0)
    return std::unexpected(
        system_error(fmt::format("cannot look for kernel modules for {}", alias), -result));
  return list;
}

std::vector<std::string> names_of(kmod_list* list) {
  std::vector<std::string> names;
  for (kmod_list* entry = list; entry != nullptr; entry = kmod_list_next(list, entry)) {
    const KmodModulePtr module(kmod_module_get_module(entry));
    names.emplace_back(kmod_module_get_name(module.get()));
  }
  return names;
}

// "install nouveau /bin/false" keeps a module away as well as a denial does.
bool is_disabled(const kmod_module* module) {
  const char* command = kmod_module_get_install_commands(module);
  const std::string_view text = command == nullptr ? "" : command;
  return text.find("/bin/false") != std::string_view::npos ||
         text.find("/bin/true") != std::string_view::npos;
}

}  // namespace

Result<std::vector<std::string>> find_vfio_modules(const std::string& device_modalias,
                                                   const std::string& root) {
  const auto context = make_context(root);
  if (!context) return std::unexpected(context.error());
  // "pci:v000010DEd..." is what drivers for the device announce; vfio drivers announce the same behind
  // "vfio_".
  const auto list = look_up(context->get(), "vfio_" + device_modalias);
  if (!list) return std::unexpected(list.error());
  auto names = names_of(list->get());
  if (std::erase(names, general_module) > 0) names.emplace_back(general_module);
  return names;
}

Result<std::vector<std::string>> find_allowed_modules(const std::string& alias, const std::string& root) {
  const auto context = make_context(root);
  if (!context) return std::unexpected(context.error());
  const auto list = look_up(context->get(), alias);
  if (!list) return std::unexpected(list.error());
  KmodListPtr allowed;
  const int result =
      kmod_module_apply_filter(context->get(), KMOD_FILTER_BLACKLIST, list->get(), out(allowed));
  if (result < 0) return std::unexpected(system_error("cannot tell which modules are denied", -result));
  std::vector<std::string> names;
  for (kmod_list* entry = allowed.get(); entry != nullptr; entry = kmod_list_next(allowed.get(), entry)) {
    const KmodModulePtr module(kmod_module_get_module(entry));
    if (!is_disabled(module.get())) names.emplace_back(kmod_module_get_name(module.get()));
  }
  return names;
}

Result<bool> has_module(const std::string& name, const std::string& root) {
  const auto context = make_context(root);
  if (!context) return std::unexpected(context.error());
  const auto list = look_up(context->get(), name);
  if (!list) return std::unexpected(list.error());
  return *list != nullptr;
}

Result<std::string> module_options(const std::string& name, const std::string& root) {
  const auto context = make_context(root);
  if (!context) return std::unexpected(context.error());
  KmodModulePtr module;
  if (const int result = kmod_module_new_from_name(context->get(), name.c_str(), out(module)); result < 0)
    return std::unexpected(system_error(fmt::format("cannot look for options of module {}", name), -result));
  const char* options = kmod_module_get_options(module.get());
  return std::string(options == nullptr ? "" : options);
}

Result<> load_module(const std::string& name) {
  const auto context = make_context("");
  if (!context) return std::unexpected(context.error());
  const auto list = look_up(context->get(), name);
  if (!list) return std::unexpected(list.error());
  kmod_list* const found = list->get();
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
