#include "signal_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace nvccd::test {
namespace {

template <typename T>
T read_basic(sd_bus_message* message, char type) {
  T value{};
  if (sd_bus_message_read_basic(message, type, &value) <= 0) throw std::runtime_error("not readable");
  return value;
}

std::map<std::string, std::string> read_changes(sd_bus_message* message) {
  std::map<std::string, std::string> changes;
  sd_bus_message_enter_container(message, 'a', "{sv}");
  while (sd_bus_message_enter_container(message, 'e', "sv") > 0) {
    const std::string name = read_basic<const char*>(message, 's');
    changes[name] = read_value(message);
    sd_bus_message_exit_container(message);
  }
  sd_bus_message_exit_container(message);
  return changes;
}

// Of all interfaces together.
std::map<std::string, std::string> read_interfaces(sd_bus_message* message) {
  std::map<std::string, std::string> properties;
  sd_bus_message_enter_container(message, 'a', "{sa{sv}}");
  while (sd_bus_message_enter_container(message, 'e', "sa{sv}") > 0) {
    sd_bus_message_skip(message, "s");
    properties.merge(read_changes(message));
    sd_bus_message_exit_container(message);
  }
  return properties;
}

}  // namespace

std::string read_value(sd_bus_message* message) {
  char type = 0;
  const char* contents = nullptr;
  if (sd_bus_message_peek_type(message, &type, &contents) <= 0) return "";
  switch (type) {
    case 's':
    case 'o':
      return read_basic<const char*>(message, type);
    case 'b':
      return read_basic<int>(message, type) ? "true" : "false";
    case 'q':
      return fmt::format("{}", read_basic<std::uint16_t>(message, type));
    case 'i':
      return fmt::format("{}", read_basic<std::int32_t>(message, type));
    case 'u':
      return fmt::format("{}", read_basic<std::uint32_t>(message, type));
    case 't':
      return fmt::format("{}", read_basic<std::uint64_t>(message, type));
    case 'd':
      return fmt::format("{}", read_basic<double>(message, type));
    default:
      break;
  }
  if (sd_bus_message_enter_container(message, type, contents) <= 0)
    throw std::runtime_error("no such type here");
  std::vector<std::string> elements;
  while (sd_bus_message_at_end(message, 0) == 0)
    elements.push_back(read_value(message));
  sd_bus_message_exit_container(message);
  return type == 'v' ? elements.at(0) : fmt::format("[{}]", fmt::join(elements, " "));
}

std::string Signal::line() const {
  if (!arguments.empty()) return member + " " + arguments;
  std::string text = member + " " + path;
  if (member != "PropertiesChanged") return text;
  for (const auto& [name, value] : changed)
    text += " " + name;
  return text;
}

SignalLog::SignalLog(Client& client) {
  sd_bus_slot* slot = nullptr;
  if (sd_bus_add_match(client.bus(), &slot, "type='signal',sender='org.nvccd1'", note, this) < 0)
    throw std::runtime_error("sd_bus_add_match failed");
  slot_.reset(slot);
}

int SignalLog::note(sd_bus_message* message, void* userdata, sd_bus_error*) {
  Signal signal{.member = sd_bus_message_get_member(message),
                .path = sd_bus_message_get_path(message),
                .arguments = {}};
  if (signal.member == "PropertiesChanged") {
    sd_bus_message_skip(message, "s");
    signal.changed = read_changes(message);
  } else if (signal.member.starts_with("Interfaces")) {
    signal.path = read_value(message);
    if (signal.member == "InterfacesAdded") signal.changed = read_interfaces(message);
  } else {
    const std::string id = read_value(message);
    signal.path = read_value(message);
    signal.arguments = id + " " + signal.path;
    if (signal.member == "JobRemoved") signal.arguments += " " + read_value(message);
  }
  static_cast<SignalLog*>(userdata)->signals.push_back(std::move(signal));
  return 0;
}

std::vector<std::string> SignalLog::lines() const {
  std::vector<std::string> all;
  for (const Signal& signal : signals)
    all.push_back(signal.line());
  return all;
}

bool SignalLog::contains(const std::string& line) const {
  return std::ranges::any_of(signals, [&](const Signal& signal) { return signal.line() == line; });
}

std::vector<std::string> SignalLog::values(const std::string& path, const std::string& property) const {
  std::vector<std::string> all;
  for (const Signal& signal : signals)
    if (signal.path == path && signal.changed.contains(property)) all.push_back(signal.changed.at(property));
  return all;
}

std::string SignalLog::result(const std::string& job) const {
  for (const Signal& signal : signals)
    if (signal.member == "JobRemoved" && signal.path == job)
      return signal.arguments.substr(signal.arguments.rfind(' ') + 1);
  return "";
}

}  // namespace nvccd::test
