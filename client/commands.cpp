#include "client/commands.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
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
  auto findings = ask_for_findings(arguments);
  if (findings) {
    if (::geteuid() == 0) findings = preflight::fill_gaps(*std::move(findings));
    print_findings(*findings, arguments);
    return has_failed(*findings) ? ExitStatus::failed : ExitStatus::done;
  }
  if (exit_status(findings.error().name) == ExitStatus::not_reachable)
    if (const Findings local = preflight::judge(preflight::look_over_without_daemon()); !local.empty())
      print_findings(local, arguments);
  return std::unexpected(findings.error());
}

ClientResult<> run_connected(Connection& connection, const Arguments& arguments) {
  switch (arguments.command) {
    case Command::status:
      return status(connection, arguments);
    case Command::list:
      return list(connection, arguments);
    case Command::show:
      return show(connection, arguments);
    case Command::set_mode:
      return set_mode(connection, arguments);
    case Command::clear_mode:
      return clear_mode(connection, arguments);
    case Command::cancel:
      return cancel(connection, arguments);
    case Command::monitor:
      return std::unexpected(monitor(connection, arguments.json));
    case Command::bind:
      return device_job(connection, arguments, "Bind");
    case Command::unbind:
      return device_job(connection, arguments, "Unbind");
    case Command::reset:
      return device_job(connection, arguments, "Reset");
    case Command::reload:
      return plain_change(connection, "Reload");
    case Command::rescan:
      return plain_change(connection, "Rescan");
    case Command::check:
      break;
  }
  std::unreachable();
}

}  // namespace

ClientResult<ExitStatus> run(const Arguments& arguments) {
  if (arguments.command == Command::check) return arguments.fix ? fix(arguments) : check(arguments);
  auto connection = Connection::open(arguments.bus, arguments.ask_password);
  if (!connection) return std::unexpected(connection.error());
  if (const auto done = run_connected(*connection, arguments); !done) return std::unexpected(done.error());
  return ExitStatus::done;
}

}  // namespace nvccd::client
