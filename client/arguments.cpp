#include "client/arguments.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "common/model/mode.h"
#include "common/model/pci_address.h"

namespace nvccd::client {
namespace {

// "65:00.0" is 0000:65:00.0, as for lspci.
std::string to_full_address(const std::string& text) {
  if (const auto address = PciAddress::parse(text)) return to_string(*address);
  if (const auto address = PciAddress::parse("0000:" + text)) return to_string(*address);
  throw CLI::ValidationError("\"" + text + "\" is no PCI address such as 0000:65:00.0");
}

std::string known_mode(const std::string& text) {
  if (parse_enum<Mode>(text)) return text;
  throw CLI::ValidationError("\"" + text + "\" is no mode; there are on, off, devtools and ppcie");
}

class CommandLine {
 public:
  CommandLine() {
    app_.name("nvccctl");
    app_.set_version_flag("--version", NVCCD_VERSION);
    app_.add_option("--bus", arguments_.bus, "Address of the bus (default: the system bus)")
        ->type_name("ADDRESS");
    app_.add_flag("--json", arguments_.json, "Print JSON (with status)");
    app_.add_flag_callback(
        "--no-ask-password", [this] { arguments_.ask_password = false; },
        "Ask for no password, fail if one is needed");
    app_.require_subcommand(0, 1);
    app_.fallthrough();
    app_.get_formatter()->column_width(24);
    app_.failure_message([](const CLI::App*, const CLI::Error& error) {
      return fmt::format("nvccctl: {}\nnvccctl --help lists commands and options\n", error.what());
    });
    app_.footer(
        "Exit status: 0 done, 1 failed, 2 usage, 3 device busy, 4 not supported by the devices,\n"
        "5 daemon not reachable, 6 not authorised.");
    add_reading_commands();
    add_mode_commands();
    add_device_commands();
    add(Command::reload, "reload", "Make nvccd read its settings again");
    add(Command::rescan, "rescan", "Make nvccd look at every device again");
  }

  Arguments parse(int argc, const char* const* argv) {
    app_.parse(argc, argv);
    if (wait_ && no_wait_) throw CLI::ValidationError("--wait contradicts --no-wait");
    if (wait_) arguments_.wait = true;
    if (no_wait_) arguments_.wait = false;
    arguments_.persist = !runtime_;
    return arguments_;
  }

  int explain(const CLI::ParseError& error) const { return app_.exit(error); }

 private:
  CLI::App* add(Command command, const char* name, const char* description) {
    CLI::App* added = app_.add_subcommand(name, description);
    added->callback([this, command] { arguments_.command = command; });
    return added;
  }

  void add_reading_commands() {
    CLI::App* status = add(Command::status, "status", "Show the node and its devices (the default)");
    CLI::App* list = add(Command::list, "list", "List the devices");
    CLI::App* show = add(Command::show, "show", "Show everything about one device");
    CLI::App* monitor = add(Command::monitor, "monitor", "Print every change until interrupted");
    add_address(show);
    CLI::App* check =
        add(Command::check, "check", "Check whether this host is fit for confidential containers");
    check->add_flag("--all", arguments_.all, "List also what is fine and what was skipped");
    CLI::Option* fix =
        check->add_flag("--fix", arguments_.fix, "Put right what can be without risk, after asking");
    check->add_flag("--yes", arguments_.yes, "Do not ask")->needs(fix);
    for (CLI::App* command : {status, list, show, monitor, check})
      command->add_flag("--json", arguments_.json, "Print JSON");
  }

  void add_mode_commands() {
    CLI::App* set_mode =
        add(Command::set_mode, "set-mode", "Set the Confidential Computing mode of this node");
    set_mode
        ->add_option_function<std::string>(
            "MODE", [this](const std::string& text) { arguments_.mode = known_mode(text); },
            "on, off, devtools or ppcie")
        ->type_name("")
        ->required();
    CLI::App* clear_mode =
        add(Command::clear_mode, "clear-mode", "Go back to the default mode of the settings");
    for (CLI::App* command : {set_mode, clear_mode}) {
      command->add_flag("--wait", wait_, "Wait until virtual machines have let go of the devices");
      add_no_wait(command, "Refuse if a device is in use, return when the change has begun");
      command->add_flag("--dry-run", arguments_.dry_run, "Only say which devices would change");
    }
    set_mode->add_flag("--runtime", runtime_, "Keep the mode until the next reboot only");
    CLI::App* cancel = add(Command::cancel, "cancel", "Cancel a change that has not begun to reset devices");
    cancel->add_option("JOB", arguments_.job, "Number of the job (default: the one that runs)")
        ->type_name("");
    add_no_wait(cancel, "Return when the job was told to end");
  }

  void add_device_commands() {
    for (CLI::App* command : {add(Command::bind, "bind", "Bind a device to its VFIO driver"),
                              add(Command::unbind, "unbind", "Take a device from its VFIO driver"),
                              add(Command::reset, "reset", "Reset a device and verify its mode")}) {
      add_address(command);
      add_no_wait(command, "Return when the change has begun");
    }
  }

  void add_address(CLI::App* command) {
    command
        ->add_option_function<std::string>(
            "ADDRESS", [this](const std::string& text) { arguments_.address = to_full_address(text); },
            "PCI address of the device, such as 0000:65:00.0")
        ->type_name("")
        ->required();
  }

  void add_no_wait(CLI::App* command, const char* description) {
    command->add_flag("--no-wait", no_wait_, description);
  }

  CLI::App app_{"Sets and shows the Confidential Computing mode of NVIDIA devices"};
  Arguments arguments_;
  bool wait_ = false;
  bool no_wait_ = false;
  bool runtime_ = false;
};

bool is_reading(Command command) {
  return command == Command::status || command == Command::list || command == Command::show ||
         command == Command::monitor || command == Command::check;
}

}  // namespace

std::expected<Arguments, ExitStatus> parse_arguments(int argc, const char* const* argv) {
  CommandLine command_line;
  try {
    Arguments arguments = command_line.parse(argc, argv);
    if (arguments.json && !is_reading(arguments.command))
      throw CLI::ValidationError("only status, list, show, monitor and check print JSON");
    if (arguments.json && arguments.fix) throw CLI::ValidationError("--fix prints no JSON");
    return arguments;
  } catch (const CLI::ParseError& error) {
    return std::unexpected(command_line.explain(error) == 0 ? ExitStatus::done : ExitStatus::usage);
  }
}

}  // namespace nvccd::client
