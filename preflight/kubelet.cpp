#include "preflight/kubelet.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <sstream>

namespace nvccd::preflight {
namespace {

constexpr auto usual_configuration = "/var/lib/kubelet/config.yaml";

Result<ConfigurationText> read_file(const HostView& host, const std::string& file) {
  const auto text = host.read(file);
  if (!text) return std::unexpected(text.error());
  auto parsed = parse_yaml(*text);
  if (!parsed)
    return std::unexpected(
        Error{.kind = ErrorKind::invalid_config, .cause = fmt::format("{}: {}", file, parsed.error().cause)});
  return parsed;
}

Result<> add_file(const HostView& host, const std::string& file, Kubelet& kubelet) {
  const auto settings = read_file(host, file);
  if (!settings) return std::unexpected(settings.error());
  kubelet.file = file;
  kubelet.settings.merge(*settings);
  return {};
}

Result<> add_drop_ins(const HostView& host, Kubelet& kubelet) {
  for (const auto& name : host.list(kubelet.drop_in_directory)) {
    if (!name.ends_with(".conf")) continue;
    const auto file = fmt::format("{}/{}", kubelet.drop_in_directory, name);
    const auto settings = read_file(host, file);
    if (!settings) return std::unexpected(settings.error());
    kubelet.settings.merge(*settings);
    if (name > kubelet_drop_in)
      for (const auto& [path, value] : settings->values())
        kubelet.overridden[path] = file;
  }
  return {};
}

// Options win over files.
void add_options(const Process& process, Kubelet& kubelet) {
  const auto set = [&](const std::string& path, std::string value, const char* option) {
    kubelet.settings.set(path, std::move(value));
    kubelet.overridden[path] = fmt::format("the kubelet's option {}", option);
  };
  for (const auto& [option, path] : {std::pair{"--runtime-request-timeout", "runtimeRequestTimeout"},
                                     std::pair{"--container-runtime-endpoint", "containerRuntimeEndpoint"}})
    if (auto value = process.option(option)) set(path, *std::move(value), option);
  std::istringstream gates(process.option("--feature-gates").value_or(""));
  for (std::string gate; std::getline(gates, gate, ',');)
    if (const auto equals = gate.find('='); equals != std::string::npos)
      set("featureGates/" + gate.substr(0, equals), gate.substr(equals + 1), "--feature-gates");
}

const Process* find_kubelet(const std::vector<Process>& processes) {
  const auto process = std::ranges::find_if(processes, [](const Process& candidate) {
    return candidate.name() == "kubelet" && candidate.in_host_root;
  });
  return process == processes.end() ? nullptr : &*process;
}

}  // namespace

std::optional<bool> Kubelet::feature_gate(const std::string& name) const {
  auto value = settings.find("featureGates/" + name);
  if (!value) return std::nullopt;
  std::ranges::transform(*value, value->begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return *value == "true";
}

std::optional<Error> why_kubelet_is_hidden(const std::optional<std::vector<Process>>& processes) {
  if (!processes) return hidden_processes();
  if (find_kubelet(*processes) != nullptr) return std::nullopt;
  for (const auto& process : *processes) {
    // k3s writes its command behind its name: "k3s server".
    auto name = process.name();
    name.resize(std::min(name.size(), name.find_first_of(" -")));
    // k3s has the kubelet inside its process; neither reads the usual file.
    if ((name == "k3s" || name == "k0s") && process.in_host_root)
      return Error{.cause = fmt::format("{} runs, and no kubelet beside it that names its settings", name)};
  }
  return std::nullopt;
}

Result<Kubelet> read_kubelet(const HostView& host, const std::optional<std::vector<Process>>& processes) {
  if (auto hidden = why_kubelet_is_hidden(processes)) return std::unexpected(*std::move(hidden));
  Kubelet kubelet;
  const auto* process = find_kubelet(*processes);
  if (process == nullptr) {
    kubelet.note = fmt::format("no kubelet runs, {} is assumed", usual_configuration);
    if (auto added = add_file(host, usual_configuration, kubelet); !added)
      return std::unexpected(added.error());
    return kubelet;
  }
  if (const auto file = process->option("--config"))
    if (auto added = add_file(host, *file, kubelet); !added) return std::unexpected(added.error());
  kubelet.drop_in_directory = process->option("--config-dir").value_or("");
  if (!kubelet.drop_in_directory.empty())
    if (auto added = add_drop_ins(host, kubelet); !added) return std::unexpected(added.error());
  add_options(*process, kubelet);
  return kubelet;
}

std::optional<std::chrono::duration<double>> parse_go_duration(std::string_view text) {
  using Seconds = std::chrono::duration<double>;
  constexpr std::pair<std::string_view, double> units[] = {{"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3},
                                                           {"s", 1},     {"m", 60},    {"h", 3600}};
  if (text == "0") return Seconds(0);
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    if (text.find_first_of("0123456789.") != 0) return std::nullopt;  // from_chars also takes "inf"
    double number = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const auto name = text.substr(0, std::min(text.find_first_of("0123456789.-"), text.size()));
    const auto* const unit =
        std::ranges::find_if(units, [&](const auto& candidate) { return candidate.first == name; });
    if (unit == std::end(units)) return std::nullopt;
    total += number * unit->second;
    text.remove_prefix(name.size());
  }
  return Seconds(total);
}

}  // namespace nvccd::preflight
