// What the guide asks of a Kubernetes node: kubelet, container runtime, Kata Containers,
// node-feature-discovery.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "common/formats/paths.h"
#include "preflight/check.h"

namespace nvccd::preflight {
namespace {

std::string with_note(std::string text, const Kubelet& kubelet) {
  return kubelet.note.empty() ? text : fmt::format("{} ({})", text, kubelet.note);
}

// The advice to give a setting of the kubelet a value, where that has an effect.
std::string set_it(const Kubelet& kubelet, std::string path, std::string_view value) {
  const auto overridden = kubelet.overridden.find(path);
  std::string place = "the file that the kubelet's --config names";
  if (overridden != kubelet.overridden.end())
    place = overridden->second;
  else if (!kubelet.drop_in_directory.empty())
    place = fmt::format("a drop-in of {} (nvccctl check --fix does it)", kubelet.drop_in_directory);
  else if (!kubelet.file.empty())
    place = kubelet.file;
  std::ranges::replace(path, '/', '.');
  return fmt::format("set {} to {} in {}", path, value, place);
}

Verdict unreadable(const Error& error) {
  return skip(fmt::format("not known: {}", error.message()));
}

Verdict check_kubelet(const Subject& subject) {
  if (const auto hidden = why_kubelet_is_hidden(subject.processes)) return unreadable(*hidden);
  const auto& kubelet = subject.kubernetes->kubelet;
  if (!kubelet)
    return warn(kubelet.error().message(),
                "correct that file, or start the kubelet once if it is not there yet");
  return ok(kubelet->note.empty() ? "its settings can be read" : kubelet->note);
}

Verdict check_pod_resources(const Subject& subject) {
  const auto& kubelet = subject.kubernetes->kubelet;
  if (!kubelet) return unreadable(kubelet.error());
  const auto gate = kubelet->feature_gate("KubeletPodResourcesGet");
  if (gate == true) return ok(with_note("KubeletPodResourcesGet is on", *kubelet));
  if (gate == false)
    return fail(
        with_note("KubeletPodResourcesGet is off, so Kata does not learn which devices a pod has", *kubelet),
        set_it(*kubelet, "featureGates/KubeletPodResourcesGet", "true"));
  return skip(with_note(
      "KubeletPodResourcesGet is not set: it is on by itself from Kubernetes 1.34 and off before, and "
      "the kubelet's version is not known here",
      *kubelet));
}

Verdict check_image_api(const Subject& subject) {
  const auto& kubelet = subject.kubernetes->kubelet;
  if (!kubelet) return unreadable(kubelet.error());
  if (kubelet->feature_gate("RuntimeClassInImageCriApi") == true)
    return ok(with_note("RuntimeClassInImageCriApi is on", *kubelet));
  return warn(
      with_note("RuntimeClassInImageCriApi is off, so images are not kept apart by runtime class", *kubelet),
      set_it(*kubelet, "featureGates/RuntimeClassInImageCriApi", "true"));
}

Verdict check_request_timeout(const Subject& subject) {
  constexpr std::chrono::minutes wanted(20);
  const auto& kubelet = subject.kubernetes->kubelet;
  if (!kubelet) return unreadable(kubelet.error());
  const auto text = kubelet->settings.find("runtimeRequestTimeout").value_or("2m");
  const auto timeout = parse_go_duration(text);
  if (timeout && *timeout >= wanted)
    return ok(with_note(fmt::format("runtimeRequestTimeout is {}", text), *kubelet));
  return warn(
      with_note(fmt::format("runtimeRequestTimeout is {}, which is short for a guest with GPUs", text),
                *kubelet),
      set_it(*kubelet, "runtimeRequestTimeout", "20m"));
}

Verdict check_socket(const Subject& subject) {
  if (subject.kubernetes->has_pod_resources_socket) return ok("the kubelet's pod resources socket is there");
  return warn(fmt::format("there is no {}", pod_resources_socket),
              "start the kubelet; with another root directory tell Kata (pod_resource_api_sock)");
}

// The handler of the runtime class for guests of this host, and the one in Rust.
std::string wanted_handler(const Subject& subject) {
  if (!subject.wants_confidential()) return "kata-qemu-nvidia-gpu";
  switch (subject.confidential) {
    case HostConfidential::tdx:
      return "kata-qemu-nvidia-gpu-tdx";
    case HostConfidential::sev_snp:
      return "kata-qemu-nvidia-gpu-snp";
    case HostConfidential::none:
      break;
  }
  return "kata-qemu-nvidia-gpu";
}

std::vector<Handler> nvidia_handlers(const ContainerRuntime& runtime) {
  std::vector<Handler> handlers;
  for (const auto& handler : runtime.handlers)
    if (handler.name.starts_with("kata-qemu-nvidia-gpu")) handlers.push_back(handler);
  return handlers;
}

std::string_view name_of(const ContainerRuntime& runtime) {
  return runtime.kind == RuntimeKind::crio ? "CRI-O" : "containerd";
}

Verdict check_handlers(const Subject& subject) {
  const auto& runtime = subject.kubernetes->runtime;
  if (!runtime) return unreadable(runtime.error());
  const auto wanted = wanted_handler(subject);
  for (const auto& handler : runtime->handlers)
    if (handler.name == wanted || handler.name == wanted + "-runtime-rs")
      return ok(fmt::format("the runtime has {}", handler.name));
  return fail(fmt::format("{} has no handler {}", name_of(*runtime), wanted),
              "install Kata Containers on this node with kata-deploy, with the shims for NVIDIA GPUs");
}

Verdict check_cdi(const Subject& subject) {
  const auto& runtime = subject.kubernetes->runtime;
  if (!runtime) return unreadable(runtime.error());
  if (runtime->cdi == false)  // CRI-O has it always
    return warn("CDI is not enabled in containerd", "set enable_cdi = true in its CRI plugin's settings");
  const auto& directories = runtime->cdi_directories;
  const auto reads = [&](std::string_view directory) {
    return std::ranges::find(directories, directory) != directories.end();
  };
  if (!directories.empty() && !reads(paths::cdi_dir_of_runtimes) && !reads(paths::cdi_dir))
    return warn(
        fmt::format("{} reads CDI files only from {}", name_of(*runtime), fmt::join(directories, ", ")),
        fmt::format("add {}, where nvccd writes them, to cdi_spec_dirs", paths::cdi_dir_of_runtimes));
  if (!runtime->cdi)
    return skip(
        "enable_cdi is not set: containerd 2 enables CDI by itself, 1.7 does not, and its version is not "
        "known here");
  return ok(fmt::format("CDI is enabled in {}, which reads the directory of nvccd", name_of(*runtime)));
}

// "3.29.0" -> {3, 29}
std::optional<std::pair<unsigned, unsigned>> parse_version(std::string_view text) {
  std::pair<unsigned, unsigned> version;
  const char* const end = text.data() + text.size();
  const auto major = std::from_chars(text.data(), end, version.first);
  if (major.ec != std::errc{} || major.ptr == end || *major.ptr != '.') return std::nullopt;
  if (std::from_chars(major.ptr + 1, end, version.second).ec != std::errc{}) return std::nullopt;
  return version;
}

Verdict check_kata_version(const Subject& subject) {
  constexpr std::pair<unsigned, unsigned> wanted = {3, 29};
  const auto& text = subject.kubernetes->kata_version;
  if (!text) return skip(fmt::format("there is no {}, so Kata's version is not known", kata_version_file));
  const auto version = parse_version(*text);
  if (!version) return skip(fmt::format("{} holds no version", kata_version_file));
  if (*version >= wanted) return ok(fmt::format("Kata {}", *text));
  return fail(fmt::format("Kata {} is too old", *text), "install Kata 3.29 or later with kata-deploy");
}

// Applies `examine` to the configuration of each of Kata's handlers for GPUs; `examine` returns what is
// wrong, or "".
Verdict check_kata(const Subject& subject, std::string (*examine)(const ConfigurationText&), std::string good,
                   std::string advice) {
  const auto& runtime = subject.kubernetes->runtime;
  if (!runtime) return unreadable(runtime.error());
  std::vector<std::string> wrong;
  std::size_t read = 0;
  for (const auto& handler : nvidia_handlers(*runtime)) {
    if (handler.kata_config.empty()) continue;
    if (!handler.kata) return unreadable(handler.kata.error());
    ++read;
    if (auto complaint = examine(*handler.kata); !complaint.empty())
      wrong.push_back(fmt::format("{}: {}", handler.kata_config, complaint));
  }
  if (!wrong.empty()) return warn(fmt::format("{}", fmt::join(wrong, "; ")), std::move(advice));
  if (read == 0) return skip("no handler for NVIDIA GPUs names a configuration of Kata");
  return ok(std::move(good));
}

Verdict check_kata_timeout(const Subject& subject) {
  return check_kata(
      subject,
      [](const ConfigurationText& configuration) -> std::string {
        const auto text = configuration.find_last("create_container_timeout").value_or("60");
        int seconds = 0;
        std::from_chars(text.data(), text.data() + text.size(), seconds);
        return seconds >= 1200 ? "" : fmt::format("create_container_timeout is {}", text);
      },
      "guests have time enough to start", "set create_container_timeout to 1200 in a file of its config.d");
}

Verdict check_kata_devices(const Subject& subject) {
  return check_kata(
      subject,
      [](const ConfigurationText& configuration) -> std::string {
        const auto port = configuration.find_last("cold_plug_vfio").value_or("no-port");
        if (port == "no-port") return "cold_plug_vfio is no-port, so guests start without their devices";
        if (configuration.find_last("pod_resource_api_sock").value_or("").empty())
          return "pod_resource_api_sock is not set, so Kata does not learn which devices a pod has";
        return "";
      },
      "Kata gives guests their devices",
      "set cold_plug_vfio to \"root-port\" and pod_resource_api_sock to the kubelet's socket in a file of "
      "its config.d");
}

Verdict check_node_features(const Subject& subject) {
  if (!subject.settings_or_default().kubernetes.node_features)
    return skip("the settings switch it off (kubernetes.node_features)");
  if (!subject.kubernetes->has_node_features_directory)
    return skip("node-feature-discovery is not set up on this node");
  // The directory alone proves nothing, as nvccd's own service makes it.
  if (!subject.kubernetes->has_node_features_worker)
    return skip("no pod of node-feature-discovery's worker is on this node");
  if (subject.kubernetes->reads_local_features) return ok("node-feature-discovery reads local features");
  return warn(fmt::format("there is no {}, so nvccd's labels reach nobody", paths::node_feature_dir),
              fmt::format("mkdir {}, then restart the pods of nfd-worker", paths::node_feature_dir));
}

constexpr Check kubernetes_check_rows[] = {
    {"kubelet.settings", check_kubelet, true},
    {"kubelet.pod-resources-get", check_pod_resources, true},
    {"kubelet.runtime-class-image", check_image_api, true},
    {"kubelet.request-timeout", check_request_timeout, true},
    {"kubelet.pod-resources-socket", check_socket},
    {"runtime.handlers", check_handlers, true},
    {"runtime.cdi", check_cdi, true},
    {"kata.version", check_kata_version},
    {"kata.timeout", check_kata_timeout, true},
    {"kata.devices", check_kata_devices, true},
    {"nfd.features", check_node_features},
};

}  // namespace

std::span<const Check> kubernetes_checks() {
  return kubernetes_check_rows;
}

}  // namespace nvccd::preflight
