#include "node_commands.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <sstream>
#include <vector>

namespace nvccd::test {
namespace {

using Words = std::vector<std::string>;

struct Command {
  const char* name;
  const char* arguments;
  const char* meaning;
  std::size_t fewest;  // words after the name
  std::string (*run)(EmulatedNode&, const Words&);
};

std::string ok_if(bool done, const std::string& problem) {
  return done ? "ok" : "error: " + problem;
}

std::optional<PciAddress> parse_device(const std::string& name) {
  const bool is_gpu = name.starts_with("gpu");
  const std::size_t digits = is_gpu ? 3 : name.starts_with("switch") ? 6 : std::string::npos;
  if (digits == std::string::npos) return PciAddress::parse(name);
  unsigned number = 0;
  const char* end = name.data() + name.size();
  const auto [rest, status] = std::from_chars(name.data() + digits, end, number);
  if (status != std::errc{} || rest != end || number > 100) return std::nullopt;
  return is_gpu ? EmulatedNode::gpu(number) : EmulatedNode::nvswitch(number);
}

// The device that the first word names, if it is there.
std::string with_device(EmulatedNode& node, const Words& words,
                        const std::function<std::string(const PciAddress&)>& action) {
  const auto address = parse_device(words.at(0));
  if (!address || !node.present(*address)) return "error: there is no device " + words.at(0);
  return action(*address);
}

std::string hold(EmulatedNode& node, const Words& words) {
  return with_device(node, words, [&](const PciAddress& address) {
    return ok_if(node.hold(address), "the device is held already, by a VM or by nvccd");
  });
}

std::string release(EmulatedNode& node, const Words& words) {
  return with_device(node, words, [&](const PciAddress& address) {
    return ok_if(node.release(address), "no VM has the device");
  });
}

std::string fault(EmulatedNode& node, const Words& words) {
  return with_device(node, words, [&](const PciAddress& address) {
    const std::string value = words.size() > 2 ? words[2] : "1";
    return ok_if(node.hardware(address).set_fault(words.at(1), value),
                 "there is no such fault or value; tests/emulator/faults.cpp has them");
  });
}

std::string clear(EmulatedNode& node, const Words& words) {
  return with_device(node, words, [&](const PciAddress& address) {
    node.hardware(address).clear_faults();
    return std::string("ok");
  });
}

std::string unplug(EmulatedNode& node, const Words& words) {
  return with_device(node, words, [&](const PciAddress& address) {
    node.unplug(address);
    return std::string("ok");
  });
}

std::string plug(EmulatedNode& node, const Words& words) {
  const auto address = parse_device(words.at(0));
  if (!address || node.present(*address)) return "error: " + words.at(0) + " is no name, or plugged already";
  node.plug(*address, words[0].starts_with("switch") ? emulator::Model::ls10 : emulator::Model::gh100);
  return "ok";
}

std::string speed(EmulatedNode& node, const Words& words) {
  std::istringstream text(words.at(0));
  double value = 0;
  if (!(text >> value) || value < 0) return "error: " + words[0] + " is no speed";
  node.set_speed(value);
  return "ok";
}

std::string pass(EmulatedNode& node, const Words& words) {
  std::istringstream text(words.at(0));
  unsigned milliseconds = 0;
  if (!(text >> milliseconds)) return "error: " + words[0] + " is no number of milliseconds";
  node.pass(std::chrono::milliseconds(milliseconds));
  return "ok";
}

std::string break_settings(EmulatedNode& node, const Words&) {
  node.settings_file.reset();
  return "ok";
}

constexpr Command commands[] = {
    {"hold", "DEVICE", "a VM takes it", 1, hold},
    {"release", "DEVICE", "the VM lets go of it", 1, release},
    {"fault", "DEVICE FAULT [VALUE]", "break it; the faults are in tests/emulator/faults.cpp", 2, fault},
    {"clear", "DEVICE", "mend it", 1, clear},
    {"unplug", "DEVICE", "pull it out", 1, unplug},
    {"plug", "DEVICE", "put it in", 1, plug},
    {"speed", "FACTOR", "simulated seconds in a real one; 0 stops the time", 1, speed},
    {"pass", "MILLISECONDS", "let so much simulated time pass at once", 1, pass},
    {"break-settings", "", "the next reload finds a broken file", 0, break_settings},
};

}  // namespace

std::string run_node_command(EmulatedNode& node, const std::string& line) {
  std::istringstream text(line);
  std::string name;
  text >> name;
  Words words;
  for (std::string word; text >> word;)
    words.push_back(word);
  for (const Command& command : commands)
    if (name == command.name)
      return words.size() < command.fewest ? fmt::format("error: {} {}", command.name, command.arguments)
                                           : command.run(node, words);
  return "error: there is no command " + name;
}

std::string node_command_help() {
  std::string help = "Commands on standard input; a DEVICE is gpu0, switch1 or an address:\n";
  for (const Command& command : commands)
    help +=
        fmt::format("  {:<28} {}\n", fmt::format("{} {}", command.name, command.arguments), command.meaning);
  return help;
}

}  // namespace nvccd::test
