#include "kubernetes/node-agent/object_meta.h"

#include <charconv>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <sstream>

namespace nvccd::agent {
namespace {

using Json = nlohmann::json;

std::unexpected<Error> not_understood(const char* what) {
  return std::unexpected(Error{.cause = std::string("the API server's answer was not understood: ") + what});
}

// The member, or null when there is none or `object` is no object.
const Json& member(const Json& object, const char* name) {
  static const Json none;
  if (!object.is_object()) return none;
  const auto place = object.find(name);
  return place == object.end() ? none : *place;
}

std::string text(const Json& object, const char* name) {
  const Json& value = member(object, name);
  return value.is_string() ? value.get<std::string>() : std::string();
}

Json parse(std::string_view json) {
  return Json::parse(json, nullptr, false);
}

// An instance of node-feature-discovery other than the default one puts its name and a dot in front.
bool is_nfd_annotation(std::string_view key) {
  constexpr std::string_view annotation = "nfd.node.kubernetes.io/feature-labels";
  return key == annotation || key.ends_with("." + std::string(annotation));
}

// Names with commas between them.
void add_names(const std::string& text, std::set<std::string, std::less<>>& names) {
  std::istringstream stream(text);
  for (std::string name; std::getline(stream, name, ',');)
    names.insert(std::move(name));
}

Result<ObjectMeta> to_object(const Json& json) {
  const Json& metadata = member(json, "metadata");
  ObjectMeta object{
      .name = text(metadata, "name"), .resource_version = text(metadata, "resourceVersion"), .labels = {}};
  if (object.name.empty()) return not_understood("an object without a name");
  const Json& labels = member(metadata, "labels");
  if (!labels.is_object() && !labels.is_null()) return not_understood("labels that are no object");
  for (const auto& [key, value] : labels.items()) {
    if (!value.is_string()) return not_understood("a label that is no text");
    object.labels.emplace(key, value.get<std::string>());
  }
  const Json& annotations = member(metadata, "annotations");
  if (!annotations.is_object() && !annotations.is_null())
    return not_understood("annotations that are no object");
  for (const auto& [key, value] : annotations.items())
    if (value.is_string() && is_nfd_annotation(key)) add_names(value.get<std::string>(), object.nfd_labels);
  return object;
}

std::optional<std::uint64_t> to_number(const std::string& version) {
  std::uint64_t number = 0;
  const char* end = version.data() + version.size();
  const auto [stop, error] = std::from_chars(version.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

}  // namespace

Result<ObjectMeta> parse_object(std::string_view json) {
  return to_object(parse(json));
}

Result<ObjectList> parse_list(std::string_view json) {
  const Json parsed = parse(json);
  const Json& items = member(parsed, "items");
  ObjectList list{.resource_version = text(member(parsed, "metadata"), "resourceVersion"), .items = {}};
  if (list.resource_version.empty()) return not_understood("a list without a version");
  if (!items.is_array() && !items.is_null()) return not_understood("a list whose items are no array");
  for (const Json& item : items) {
    auto object = to_object(item);
    if (!object) return std::unexpected(object.error());
    list.items.push_back(*std::move(object));
  }
  return list;
}

Result<WatchEvent> parse_watch_event(std::string_view json) {
  const Json parsed = parse(json);
  const std::string type = text(parsed, "type");
  const Json& object = member(parsed, "object");
  WatchEvent event;
  if (type == "ERROR") {
    const Json& code = member(object, "code");
    event.status = code.is_number_integer() ? code.get<long>() : 0;
    event.message = text(object, "message");
    return event;
  }
  if (type == "BOOKMARK") {
    event.kind = WatchEvent::Kind::bookmark;
    event.object.resource_version = text(member(object, "metadata"), "resourceVersion");
    if (event.object.resource_version.empty()) return not_understood("a bookmark without a version");
    return event;
  }
  if (type == "DELETED")
    event.kind = WatchEvent::Kind::deleted;
  else if (type == "ADDED" || type == "MODIFIED")
    event.kind = WatchEvent::Kind::changed;
  else
    return not_understood("a watch event of no known type");
  auto changed = to_object(object);
  if (!changed) return std::unexpected(changed.error());
  if (changed->resource_version.empty()) return not_understood("an object without a version");
  event.object = *std::move(changed);
  return event;
}

std::string status_message(std::string_view json) {
  const Json parsed = parse(json);
  return text(parsed, "kind") == "Status" ? text(parsed, "message") : std::string();
}

bool is_older(const std::string& version, const std::string& than) {
  const auto one = to_number(version);
  const auto other = to_number(than);
  return one && other && *one < *other;
}

}  // namespace nvccd::agent
