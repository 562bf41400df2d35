#include "common/config/settings_file.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>

#include "common/base/regular_file.h"
#include "common/config/toml_reader.h"
#include "common/formats/resource_name.h"

namespace nvccd {
namespace {

std::optional<Mode> parse_default_mode(std::string_view text) {
  const auto mode = parse_enum<Mode>(text);
  return mode == Mode::ppcie ? std::nullopt : mode;
}

// "60s", "500ms", "2min": a whole number and a unit, more than nothing and at most an hour.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number <= 0) return std::nullopt;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  std::int64_t factor = 0;
  if (unit == "ms") factor = 1;
  if (unit == "s") factor = 1000;
  if (unit == "min") factor = 60'000;
  constexpr std::int64_t hour = 3'600'000;
  if (factor == 0 || number > hour / factor) return std::nullopt;
  return std::chrono::milliseconds(number * factor);
}

// A driver's name goes into sysfs paths, so it may hold nothing but what the kernel itself uses.
std::optional<std::string> parse_driver(std::string_view text) {
  const auto allowed = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
  };
  if (text.empty() || text.size() > 64 || !std::ranges::all_of(text, allowed)) return std::nullopt;
  return std::string(text);
}

// What may be the last element of a Kubernetes resource name and of a CDI kind; "": none is set.
std::optional<std::string> parse_alias(std::string_view text) {
  return text.empty() || is_resource_alias(text) ? std::optional<std::string>(text) : std::nullopt;
}

std::optional<std::uint16_t> parse_device_id(std::string_view text) {
  std::uint16_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id, 16);
  if (error != std::errc{} || end != text.data() + text.size() || text.size() != 4) return std::nullopt;
  return id;
}

// The distributions' toml++ library reports errors by exception; they end here.
Result<toml::table> parse_toml(std::string_view text, const std::string& file_name) {
  try {
    return toml::parse(text, file_name);
  } catch (const toml::parse_error& error) {
    return std::unexpected(Error{.kind = ErrorKind::invalid_config,
                                 .cause = at_source(file_name, error.source(), error.description())});
  }
}

void read_mode(TomlTable table, ModeSettings& mode) {
  table.read("default", mode.default_mode, parse_default_mode, "\"off\", \"on\" or \"devtools\"");
  table.read_enum<Mode>("node", mode.node);
  table.read("require_confidential_host", mode.require_confidential_host);
  table.warn_unknown();
}

void read_vfio(TomlTable table, VfioSettings& vfio) {
  table.read("bind", vfio.bind);
  table.read("driver", vfio.driver, parse_driver, "\"auto\" or the name of a driver");
  table.read_enum<Takeover>("takeover", vfio.takeover);
  table.warn_unknown();
}

void read_transition(TomlTable table, TransitionSettings& transition) {
  table.read_enum<WhenBusy>("busy", transition.busy);
  table.read("boot_timeout", transition.boot_timeout, parse_duration,
             "a time such as \"60s\", \"500ms\" or \"2min\", at most an hour");
  table.read("retries", transition.retries, 10);
  table.warn_unknown();
}

void read_kubernetes(TomlTable table, KubernetesSettings& kubernetes) {
  constexpr auto alias = "letters, digits, '-' and '_', beginning with a letter, at most 63";
  table.read("pgpu_alias", kubernetes.pgpu_alias, parse_alias, alias);
  table.read("nvswitch_alias", kubernetes.nvswitch_alias, parse_alias, alias);
  table.read("node_features", kubernetes.node_features);
  table.read("cdi", kubernetes.cdi);
  table.warn_unknown();
}

DeviceOverride read_device(const toml::table& section, TomlDiagnostics& diagnostics) {
  DeviceOverride device;
  TomlTable table(section, "device", diagnostics);
  if (const auto* match_table = table.table("match")) {
    TomlTable match(*match_table, "device.match", diagnostics);
    match.read("address", device.match.address, PciAddress::parse, "a PCI address such as \"0000:65:00.0\"");
    match.read("device_id", device.match.device_id, parse_device_id,
               "four hexadecimal digits such as \"2330\"");
    match.read_enum<DeviceKind>("kind", device.match.kind);
    match.warn_unknown();
    // Else a misspelt key would make the section one for every device.
    if (!match_table->empty() && !device.match.address && !device.match.device_id && !device.match.kind)
      diagnostics.fail(*match_table, "match needs an address, a device_id or a kind; {} is for every device");
  } else if (!section.contains("match")) {
    diagnostics.fail(section, "a [[device]] section needs match = { ... } to say which devices it is for");
  }
  table.read("managed", device.managed);
  table.read_enum<Mode>("mode", device.mode);
  table.warn_unknown();
  return device;
}

// More than any settings need.
constexpr std::size_t largest_file = std::size_t{1} << 20;

Error unreadable(Error error) {
  error.kind = ErrorKind::invalid_config;
  return error;
}

Result<LoadedSettings> parse_file(const std::filesystem::path& file, LoadedSettings base) {
  const auto text = read_regular_file(file, largest_file);
  if (!text) return std::unexpected(unreadable(text.error()));
  return parse_settings(*text, file.string(), std::move(base));
}

// Whether there is something of that name, be it a link to nothing. That it cannot be known is an error: what
// excludes a device may be there.
Result<bool> is_there(const std::filesystem::path& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) == 0) return true;
  if (errno == ENOENT) return false;
  return std::unexpected(unreadable(system_error("cannot look for " + path.string(), errno)));
}

// The *.toml files in name order, without hidden ones, such as the locks of editors; no directory: none.
Result<std::vector<std::filesystem::path>> drop_ins(const std::filesystem::path& directory) {
  const auto there = is_there(directory);
  if (!there) return std::unexpected(there.error());
  std::vector<std::filesystem::path> files;
  if (!*there) return files;
  std::error_code error;
  std::filesystem::directory_iterator entry(directory, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const auto& path = entry->path();
    if (path.extension() == ".toml" && !path.filename().string().starts_with('.')) files.push_back(path);
  }
  if (error)
    return std::unexpected(unreadable(system_error("cannot read " + directory.string(), error.value())));
  std::ranges::sort(files);
  return files;
}

}  // namespace

Result<LoadedSettings> parse_settings(std::string_view text, const std::string& file_name,
                                      LoadedSettings base) {
  const auto parsed = parse_toml(text, file_name);
  if (!parsed) return std::unexpected(parsed.error());

  TomlDiagnostics diagnostics{.file_name = file_name, .error = {}, .warnings = std::move(base.warnings)};
  Settings settings = std::move(base.settings);
  TomlTable root(*parsed, "", diagnostics);
  if (const auto* table = root.table("mode")) read_mode({*table, "mode", diagnostics}, settings.mode);
  if (const auto* table = root.table("vfio")) read_vfio({*table, "vfio", diagnostics}, settings.vfio);
  if (const auto* table = root.table("transition"))
    read_transition({*table, "transition", diagnostics}, settings.transition);
  if (const auto* table = root.table("kubernetes"))
    read_kubernetes({*table, "kubernetes", diagnostics}, settings.kubernetes);
  std::vector<DeviceOverride> devices;
  for (const auto* table : root.tables("device"))
    devices.push_back(read_device(*table, diagnostics));
  settings.devices.insert(settings.devices.begin(), devices.begin(), devices.end());
  root.warn_unknown();

  if (diagnostics.error) return std::unexpected(*std::move(diagnostics.error));
  return LoadedSettings{std::move(settings), std::move(diagnostics.warnings)};
}

Result<LoadedSettings> load_single_file(const std::filesystem::path& file) {
  return parse_file(file, {});
}

Result<LoadedSettings> load_settings(const std::filesystem::path& main_file,
                                     const std::filesystem::path& drop_in_directory) {
  auto files = drop_ins(drop_in_directory);
  if (!files) return std::unexpected(files.error());
  const auto has_main_file = is_there(main_file);
  if (!has_main_file) return std::unexpected(has_main_file.error());
  if (*has_main_file) files->insert(files->begin(), main_file);

  LoadedSettings loaded;
  for (const auto& file : *files) {
    auto next = parse_file(file, std::move(loaded));
    if (!next) return next;
    loaded = *std::move(next);
  }
  return loaded;
}

}  // namespace nvccd
