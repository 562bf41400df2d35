#include "client/commands.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "client/connection.h"
#include "client/findings.h"
#include "client/fix.h"
#include "client/job_command.h"
#include "client/json_output.h"
#include "client/monitor.h"
#include "client/overview.h"
#include "client/terminal.h"
#include "common/bus/names.h"
#include "common/model/mode.h"
#include "common/model/pci_address.h"
#include "preflight/preflight.h"

namespace nvccd::client {
namespace {

ClientResult<> status(Connection& connection, const Arguments& arguments) {
  const auto snapshot = connection.snapshot();
  if (!snapshot) return std::unexpected(snapshot.error());
  if (arguments.json) {
    fmt::print("{}\n", to_text(status_json(*snapshot)));
    return {};
  }
  const Page page = page_of(STDOUT_FILENO);
  fmt::print("{}\n{}", render_node(*snapshot, page), render_devices(snapshot->devices, page));
  return {};
}

ClientResult<> list(Connection& connection, const Arguments& arguments) {
  const auto snapshot = connection.snapshot();
  if (!snapshot) return std::unexpected(snapshot.error());
  if (arguments.json)
    fmt::print("{}\n", to_text(devices_json(snapshot->devices)));
  else
    fmt::print("{}", render_devices(snapshot->devices, page_of(STDOUT_FILENO)));
  return {};
}

ClientResult<> show(Connection& connection, const Arguments& arguments) {
  const auto path = connection.device_path(arguments.address);
  if (!path) return std::unexpected(path.error());
  const auto properties = connection.properties(*path, dbus::device_interface);
  if (!properties) return std::unexpected(properties.error());
  const DeviceView device = to_device(*properties);
  if (arguments.json)
    fmt::print("{}\n", to_text(device_json(device)));
  else
    fmt::print("{}", render_device(device, page_of(STDOUT_FILENO)));
  return {};
}

ClientResult<> plain_change(Connection& connection, const char* method) {
  const auto reply =
      connection.change(connection.new_call(dbus::manager_path, dbus::manager_interface, method));
  if (!reply) return std::unexpected(reply.error());
  return {};
}

void print_findings(const Findings& findings, const Arguments& arguments) {
  if (arguments.json)
    fmt::print("{}\n", to_text(findings_json(findings)));
  else
    fmt::print("{}", render_findings(findings, arguments.all, page_of(STDOUT_FILENO)));
}

ClientResult<Findings> ask_for_findings(const Arguments& arguments) {
  auto connection = Connection::open(arguments.bus, arguments.ask_password);
  if (!connection) return std::unexpected(connection.error());
  return connection->check();
}

// Where nvccd does not run is where people want to know why.
ClientResult<ExitStatus> check(const Arguments& arguments) {
  if (arguments.fix) return fix(arguments);
  auto findings = ask_for_findings(arguments);
  if (findings) {
    if (::geteuid() == 0) findings = preflight::fill_gaps(*std::move(findings));
    print_findings(*findings, arguments);
    return has_failed(*findings) ? ExitStatus::failed : ExitStatus::done;
  }
  if (findings.error().status == ExitStatus::not_reachable)
    if (const Findings local = preflight::judge(preflight::look_over_without_daemon()); !local.empty())
      print_findings(local, arguments);
  return std::unexpected(findings.error());
}

template <auto command>
ClientResult<ExitStatus> connected(const Arguments& arguments) {
  auto connection = Connection::open(arguments.bus, arguments.ask_password);
  if (!connection) return std::unexpected(connection.error());
  if (const ClientResult<> done = command(*connection, arguments); !done)
    return std::unexpected(done.error());
  return ExitStatus::done;
}

// ---- what options say ----

template <auto member, bool value = true>
std::string set(Arguments& arguments, const std::string&) {
  arguments.*member = value;
  return "";
}

template <bool wait>
std::string set_wait(Arguments& arguments, const std::string&) {
  if (arguments.wait == !wait) return "--wait contradicts --no-wait";
  arguments.wait = wait;
  return "";
}

std::string set_bus(Arguments& arguments, const std::string& address) {
  arguments.bus = address;
  return "";
}

// "65:00.0" is 0000:65:00.0, as for lspci.
std::string set_address(Arguments& arguments, const std::string& text) {
  for (const std::string& full : {text, "0000:" + text})
    if (const auto address = PciAddress::parse(full)) {
      arguments.address = to_string(*address);
      return "";
    }
  return "\"" + text + "\" is no PCI address such as 0000:65:00.0";
}

std::string set_mode_argument(Arguments& arguments, const std::string& text) {
  if (!parse_enum<Mode>(text)) return "\"" + text + "\" is no mode; there are on, off, devtools and ppcie";
  arguments.mode = text;
  return "";
}

std::string set_job(Arguments& arguments, const std::string& text) {
  std::uint32_t id = 0;
  const char* end = text.data() + text.size();
  const auto [rest, failed] = std::from_chars(text.data(), end, id);
  if (failed != std::errc{} || rest != end) return "Could not convert: JOB = " + text;
  arguments.job = id;
  return "";
}

}  // namespace

const std::vector<Option>& common_options() {
  static const std::vector<Option> rows{
      {"--bus", "Address of the bus (default: the system bus)", set_bus, "ADDRESS"},
      {"--json", "Print JSON (with status)", set<&Arguments::json>},
      {"--no-ask-password", "Ask for no password, fail if one is needed",
       set<&Arguments::ask_password, false>},
  };
  return rows;
}

const std::vector<Command>& commands() {
  static const Option json{"--json", "Print JSON", set<&Arguments::json>};
  static const Option address{"ADDRESS", "PCI address of the device, such as 0000:65:00.0", set_address, "",
                              true};
  static const Option wait{"--wait", "Wait until virtual machines have let go of the devices",
                           set_wait<true>};
  static const Option refuse{"--no-wait", "Refuse if a device is in use, return when the change has begun",
                             set_wait<false>};
  static const Option no_wait{"--no-wait", "Return when the change has begun", set_wait<false>};
  static const Option dry_run{"--dry-run", "Only say which devices would change", set<&Arguments::dry_run>};
  static const std::vector<Command> rows{
      {"status", "Show the node and its devices (the default)", {json}, connected<status>},
      {"list", "List the devices", {json}, connected<list>},
      {"show", "Show everything about one device", {address, json}, connected<show>},
      {"monitor",
       "Print every change until interrupted",
       {json},
       connected<[](Connection& connection, const Arguments& arguments) -> ClientResult<> {
         return std::unexpected(monitor(connection, arguments.json));
       }>},
      {"check",
       "Check whether this host is fit for confidential containers",
       {{"--all", "List also what is fine and what was skipped", set<&Arguments::all>},
        {"--fix", "Put right what can be without risk, after asking", set<&Arguments::fix>},
        {"--yes", "Do not ask", set<&Arguments::yes>, nullptr, false, "--fix"},
        json},
       check},
      {"set-mode",
       "Set the Confidential Computing mode of this node",
       {{"MODE", "on, off, devtools or ppcie", set_mode_argument, "", true},
        wait,
        refuse,
        dry_run,
        {"--runtime", "Keep the mode until the next reboot only", set<&Arguments::persist, false>}},
       connected<set_mode>},
      {"clear-mode",
       "Go back to the default mode of the settings",
       {wait, refuse, dry_run},
       connected<clear_mode>},
      {"cancel",
       "Cancel a change that has not begun to reset devices",
       {{"JOB", "Number of the job (default: the one that runs)", set_job, ""},
        {"--no-wait", "Return when the job was told to end", set_wait<false>}},
       connected<cancel>},
      {"bind",
       "Bind a device to its VFIO driver",
       {address, no_wait},
       connected<[](Connection& connection, const Arguments& arguments) {
         return device_job(connection, arguments, "Bind");
       }>},
      {"unbind",
       "Take a device from its VFIO driver",
       {address, no_wait},
       connected<[](Connection& connection, const Arguments& arguments) {
         return device_job(connection, arguments, "Unbind");
       }>},
      {"reset",
       "Reset a device and verify its mode",
       {address, no_wait},
       connected<[](Connection& connection, const Arguments& arguments) {
         return device_job(connection, arguments, "Reset");
       }>},
      {"reload",
       "Make nvccd read its settings again",
       {},
       connected<[](Connection& connection, const Arguments&) {
         return plain_change(connection, "Reload");
       }>},
      {"rescan",
       "Make nvccd look at every device again",
       {},
       connected<[](Connection& connection, const Arguments&) {
         return plain_change(connection, "Rescan");
       }>},
  };
  return rows;
}

bool Command::takes(std::string_view option) const {
  return std::ranges::any_of(options, [&](const Option& row) { return row.name == option; });
}

}  // namespace nvccd::client
