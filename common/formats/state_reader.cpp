#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/base/regular_file.h"
#include "common/formats/state_file.h"

namespace nvccd {
namespace {

using Json = nlohmann::json;

// A device takes less than 1 KiB, and a host has less than a hundred.
constexpr std::size_t max_file_bytes = 1024UL * 1024UL;
constexpr std::size_t max_devices = 1024;

// The first thing that is wrong with a document.
class Problem {
 public:
  void add(std::string what) {
    if (what_.empty()) what_ = std::move(what);
  }
  const std::string& what() const { return what_; }  // "" when nothing is

 private:
  std::string what_;
};

// The members of one object, each of the type that the schema says. What is wrong goes to the problem, and
// some value is returned in its place.
class Members {
 public:
  Members(const Json& object, std::string name, Problem& problem)
      : object_(object), name_(std::move(name)), problem_(problem) {
    if (!object.is_object()) problem.add(name_ + " is no object");
  }

  const Json& at(const char* member) const {
    static const Json nothing;
    const auto found = object_.is_object() ? object_.find(member) : object_.end();
    if (found != object_.end()) return *found;
    wrong(member, "is missing");
    return nothing;
  }
  std::string text(const char* member) const {
    const Json& value = at(member);
    if (value.is_string()) return value.get<std::string>();
    wrong(member, "is no text");
    return {};
  }
  std::string text_or_null(const char* member) const { return at(member).is_null() ? "" : text(member); }
  bool boolean(const char* member) const {
    const Json& value = at(member);
    if (value.is_boolean()) return value.get<bool>();
    wrong(member, "is neither true nor false");
    return false;
  }
  std::uint64_t number(const char* member) const {
    const Json& value = at(member);
    if (value.is_number_unsigned()) return value.get<std::uint64_t>();
    wrong(member, "is no whole number from 0 on");
    return 0;
  }
  std::optional<int> int_or_null(const char* member) const {
    if (at(member).is_null()) return std::nullopt;
    const std::uint64_t value = number(member);
    if (std::in_range<int>(value)) return static_cast<int>(value);
    wrong(member, "is too large");
    return std::nullopt;
  }
  // The kernel's way to say that something has no number is a negative one.
  std::optional<int> int_from_0_or_none(const char* member) const {
    const Json& value = at(member);
    if (value.is_number_integer() && !value.is_number_unsigned()) return std::nullopt;
    return int_or_null(member);
  }
  // What `parse` makes of the text.
  template <typename Parse>
  auto parsed(const char* member, Parse parse) const {
    const std::string value = text(member);
    auto result = parse(std::string_view(value));
    if (!result) wrong(member, fmt::format("has the unknown value {:.40}", Json(value).dump()));
    return result ? *std::move(result) : typename decltype(result)::value_type{};
  }
  std::optional<Mode> mode_or_null(const char* member) const {
    return at(member).is_null() ? std::nullopt : std::optional(parsed(member, parse_enum<Mode>));
  }
  void wrong(const char* member, std::string_view what) const {
    problem_.add(fmt::format("{} of {} {}", member, name_, what));
  }

 private:
  const Json& object_;
  std::string name_;
  Problem& problem_;
};

// "" or `prefix` and digits: nothing else may be handed to a container.
bool is_node_or_empty(std::string_view path, std::string_view prefix) {
  if (path.empty()) return true;
  if (!path.starts_with(prefix) || path.size() == prefix.size()) return false;
  return std::ranges::all_of(path.substr(prefix.size()), [](char c) { return c >= '0' && c <= '9'; });
}

NodeState parse_node(const Members& members) {
  return {.default_mode = members.parsed("default_mode", parse_enum<Mode>),
          .node_mode = members.mode_or_null("node_mode"),
          .requested_mode = members.parsed("requested_mode", parse_enum<Mode>),
          .mode_state = members.parsed("mode_state", parse_enum<ModeState>),
          .ready = members.boolean("ready"),
          .host_confidential = members.parsed("host_confidential", parse_enum<HostConfidential>),
          .error = members.text_or_null("error")};
}

StateDevice parse_device(const Members& members) {
  StateDevice device{.address = members.parsed("address", PciAddress::parse),
                     .id = members.text("id"),
                     .kind = members.parsed("kind", parse_enum<DeviceKind>),
                     .name = members.text("name"),
                     .resource = members.text("resource"),
                     .iommu_group = members.int_or_null("iommu_group"),
                     .vfio_group = members.text_or_null("vfio_group"),
                     .vfio_device = members.text_or_null("vfio_device"),
                     .numa_node = members.int_from_0_or_none("numa_node"),
                     .mode = std::nullopt,
                     .requested_mode = members.mode_or_null("requested_mode"),
                     .state = members.parsed("state", parse_enum<DeviceState>),
                     .healthy = members.boolean("healthy"),
                     .in_use = members.boolean("in_use"),
                     .error = members.text_or_null("error")};
  if (members.text("mode") != to_string(std::optional<Mode>()))
    device.mode = members.parsed("mode", parse_enum<Mode>);
  if (device.id != to_stable_id(device.address)) members.wrong("id", "does not belong to its address");
  if (!is_node_or_empty(device.vfio_group, "/dev/vfio/")) members.wrong("vfio_group", "is no VFIO group");
  if (!is_node_or_empty(device.vfio_device, "/dev/vfio/devices/vfio"))
    members.wrong("vfio_device", "is no VFIO device");
  return device;
}

std::vector<StateDevice> parse_devices(const Members& document, Problem& problem) {
  std::vector<StateDevice> devices;
  const Json& list = document.at("devices");
  if (!list.is_array()) document.wrong("devices", "is no list");
  if (list.size() > max_devices) document.wrong("devices", "is too long");
  if (!problem.what().empty()) return devices;
  for (const Json& device : list)
    devices.push_back(parse_device(Members(device, fmt::format("device {}", devices.size()), problem)));
  std::ranges::sort(devices, {}, &StateDevice::address);
  if (const auto twice = std::ranges::adjacent_find(devices, {}, &StateDevice::address);
      twice != devices.end())
    problem.add(fmt::format("device {} is in it twice", to_string(twice->address)));
  return devices;
}

PublishedState parse_document(const Json& json, Problem& problem) {
  const Members document(json, "the document", problem);
  if (const auto schema = document.number("schema"); schema != state_schema)
    problem.add(fmt::format("its schema is {}, and this program knows {}", schema, state_schema));
  PublishedState state{.node = parse_node(Members(document.at("node"), "node", problem)),
                       .version = document.text("version"),
                       .devices = parse_devices(document, problem)};
  state.node.generation = document.number("generation");
  return state;
}

}  // namespace

Result<PublishedState> parse_state(std::string_view text) {
  const Json document = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) return std::unexpected(Error{.cause = "it is no JSON document"});
  Problem problem;
  PublishedState state = parse_document(document, problem);
  if (!problem.what().empty()) return std::unexpected(Error{.cause = problem.what()});
  return state;
}

Result<PublishedState> read_state_file(const std::filesystem::path& path) {
  const auto text = read_regular_file(path, max_file_bytes);
  if (!text) return std::unexpected(text.error());
  auto state = parse_state(*text);
  if (!state)
    return std::unexpected(
        Error{.cause = fmt::format("{} is not what nvccd writes: {}", path.string(), state.error().cause)});
  return state;
}

}  // namespace nvccd
