#include "preflight/container_runtime.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>

namespace nvccd::preflight {
namespace {

// Imports of imports; a file that imports itself ends here too.
constexpr int max_imports = 5;

Result<ConfigurationText> read_toml_file(const HostView& host, const std::string& file) {
  const auto text = host.read(file);
  if (!text) return std::unexpected(text.error());
  auto parsed = parse_toml(*text);
  if (!parsed)
    return std::unexpected(
        Error{.kind = ErrorKind::invalid_config, .cause = fmt::format("{}: {}", file, parsed.error().cause)});
  return parsed;
}

// Files that a pattern such as /etc/containerd/conf.d/*.toml means, relative to the importing file.
std::vector<std::string> expand(const HostView& host, const std::string& importer,
                                const std::string& pattern) {
  const auto full = std::filesystem::path(importer).parent_path() / pattern;  // an absolute pattern stays
  const auto directory = full.parent_path().string();
  std::vector<std::string> files;
  for (const auto& name : host.list(directory))
    if (::fnmatch(full.filename().c_str(), name.c_str(), FNM_PERIOD) == 0)
      files.push_back((std::filesystem::path(directory) / name).string());
  return files;
}

Result<> add_with_imports(const HostView& host, const std::string& file, int depth, ConfigurationText& into) {
  const auto configuration = read_toml_file(host, file);
  if (!configuration) return std::unexpected(configuration.error());
  into.merge(*configuration);
  if (depth >= max_imports) return {};
  for (const auto& pattern : configuration->find_list("imports"))
    for (const auto& imported : expand(host, file, pattern))
      if (auto added = add_with_imports(host, imported, depth + 1, into); !added) return added;
  return {};
}

constexpr auto usual_file = "/etc/containerd/config.toml";
constexpr auto usual_socket = "/run/containerd/containerd.sock";

std::optional<std::string> option(const Process& process, std::string_view name, std::string_view letter) {
  const auto value = process.option(name);
  return value ? value : process.option(letter);
}

std::string file_of(const Process& containerd) {
  return option(containerd, "--config", "-c").value_or(usual_file);
}

std::string socket_of(const HostView& host, const Process& containerd) {
  if (auto named = option(containerd, "--address", "-a")) return *std::move(named);
  const auto configuration = read_toml_file(host, file_of(containerd));
  return configuration ? configuration->find("grpc/address").value_or(usual_socket) : usual_socket;
}

// "unix:///var/run/x.sock" and /run/x.sock are the same.
bool is_same_socket(std::string_view one, std::string_view other) {
  const auto plain = [](std::string_view socket) {
    for (const std::string_view prefix : {"unix://", "/var"})
      if (socket.starts_with(prefix)) socket.remove_prefix(prefix.size());
    return socket;
  };
  return plain(one) == plain(other);
}

// There may be others beside the kubelet's, such as docker's: the one that listens there, or else that of
// the lowest pid.
Result<std::string> find_containerd_file(const HostView& host, std::optional<std::vector<Process>> processes,
                                         const std::string& endpoint) {
  if (!processes) return std::unexpected(hidden_processes());
  std::erase_if(*processes, [](const Process& process) {
    return process.name() != "containerd" || !process.in_host_root;
  });
  if (processes->empty()) return usual_file;
  std::ranges::sort(*processes, {}, [](const Process& process) {
    return std::pair(process.pid.size(), process.pid);  // as numbers
  });
  const auto used = std::ranges::find_if(
      *processes, [&](const Process& process) { return is_same_socket(socket_of(host, process), endpoint); });
  return file_of(used == processes->end() ? processes->front() : *used);
}

Result<ContainerRuntime> read_containerd(const HostView& host,
                                         const std::optional<std::vector<Process>>& processes,
                                         const std::string& endpoint) {
  const auto found = find_containerd_file(host, processes, endpoint);
  if (!found) return std::unexpected(found.error());
  const auto& file = *found;
  ConfigurationText configuration;
  if (host.has(file))
    if (auto added = add_with_imports(host, file, 0, configuration); !added)
      return std::unexpected(added.error());

  ContainerRuntime runtime;
  // The plugin's name differs between the versions of the format.
  for (const auto* plugin : {"plugins/io.containerd.grpc.v1.cri", "plugins/io.containerd.cri.v1.runtime"}) {
    const auto runtimes = fmt::format("{}/containerd/runtimes", plugin);
    for (const auto& name : configuration.names_below(runtimes))
      runtime.handlers.push_back(
          {.name = name,
           .kata_config =
               configuration.find(fmt::format("{}/{}/options/ConfigPath", runtimes, name)).value_or("")});
    if (const auto cdi = configuration.find(fmt::format("{}/enable_cdi", plugin)))
      runtime.cdi = *cdi == "true";
    if (auto listed = configuration.find_list(fmt::format("{}/cdi_spec_dirs", plugin)); !listed.empty())
      runtime.cdi_directories = std::move(listed);
  }
  // Only containerd 2 reads formats from 3 on, and has CDI on by itself; the older formats it reads as well.
  const auto version = configuration.find("version").value_or("");
  if (!runtime.cdi && !version.empty() && version != "1" && version != "2") runtime.cdi = true;
  return runtime;
}

Result<ContainerRuntime> read_crio(const HostView& host) {
  ConfigurationText configuration;
  std::vector<std::string> files;
  if (host.has("/etc/crio/crio.conf")) files.emplace_back("/etc/crio/crio.conf");
  for (const auto& name : host.list("/etc/crio/crio.conf.d"))
    files.push_back(fmt::format("/etc/crio/crio.conf.d/{}", name));
  for (const auto& file : files) {
    const auto part = read_toml_file(host, file);
    if (!part) return std::unexpected(part.error());
    configuration.merge(*part);
  }
  constexpr auto runtimes = "crio/runtime/runtimes";
  ContainerRuntime runtime{.kind = RuntimeKind::crio, .cdi = true};
  for (const auto& name : configuration.names_below(runtimes))
    runtime.handlers.push_back(
        {.name = name,
         .kata_config =
             configuration.find(fmt::format("{}/{}/runtime_config_path", runtimes, name)).value_or("")});
  runtime.cdi_directories = configuration.find_list("crio/runtime/cdi_spec_dirs");
  return runtime;
}

// Together with the drop-ins beside it.
Result<ConfigurationText> read_kata_configuration(const HostView& host, const std::string& file) {
  auto configuration = read_toml_file(host, file);
  if (!configuration) return configuration;
  // The file may be a link; the drop-ins are where it really is.
  const auto directory = (std::filesystem::path(host.resolve(file)).parent_path() / "config.d").string();
  for (const auto& name : host.list(directory)) {
    if (!name.ends_with(".toml")) continue;
    const auto part = read_toml_file(host, fmt::format("{}/{}", directory, name));
    if (!part) return std::unexpected(part.error());
    configuration->merge(*part);
  }
  return configuration;
}

Result<ContainerRuntime> read_used(const HostView& host, const std::optional<std::vector<Process>>& processes,
                                   const std::string& endpoint) {
  if (endpoint.find("crio") != std::string::npos) return read_crio(host);
  if (endpoint.find("containerd") != std::string::npos) return read_containerd(host, processes, endpoint);
  for (const auto* socket : {usual_socket, "/run/k3s/containerd/containerd.sock"})
    if (host.has(socket)) return read_containerd(host, processes, socket);
  if (host.has("/run/crio/crio.sock")) return read_crio(host);
  return std::unexpected(Error{.cause = "neither containerd nor CRI-O runs"});
}

}  // namespace

Result<ContainerRuntime> read_container_runtime(const HostView& host,
                                                const std::optional<std::vector<Process>>& processes,
                                                const std::string& endpoint) {
  auto runtime = read_used(host, processes, endpoint);
  if (!runtime) return runtime;
  for (auto& handler : runtime->handlers)
    if (!handler.kata_config.empty()) handler.kata = read_kata_configuration(host, handler.kata_config);
  return runtime;
}

}  // namespace nvccd::preflight
