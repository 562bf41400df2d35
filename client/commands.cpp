#include "client/commands.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "client/connection.h"
#include "client/job_follower.h"
#include "client/json_output.h"
#include "client/monitor.h"
#include "client/table.h"
#include "client/terminal.h"
#include "dbus/names.h"

namespace nvccd::client {
namespace {

ClientResult<> status(Connection& connection, const Arguments& arguments) {
  const auto snapshot = connection.snapshot();
  if (!snapshot) return std::unexpected(snapshot.error());
  if (arguments.json) {
    fmt::print("{}\n", to_text(status_json(*snapshot)));
    return {};
  }
  const bool colour = want_colour();
  fmt::print("{}\n{}", render_node(snapshot->node, snapshot->jobs, colour),
             render_devices(snapshot->devices, colour));
  return {};
}

ClientResult<> list(Connection& connection, const Arguments& arguments) {
  const auto objects = connection.managed_objects();
  if (!objects) return std::unexpected(objects.error());
  const auto devices = views(*objects, dbus::device_interface, to_device);
  if (arguments.json)
    fmt::print("{}\n", to_text(devices_json(devices)));
  else
    fmt::print("{}", render_devices(devices, want_colour()));
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
    fmt::print("{}", render_device(device, want_colour()));
  return {};
}

// What the user asked for. The job may be gone before its own name was seen.
std::string title(const Arguments& arguments) {
  switch (arguments.command) {
    case Command::set_mode:
      return "set-mode " + arguments.mode;
    case Command::clear_mode:
      return "clear-mode";
    case Command::bind:
      return "bind " + arguments.address;
    case Command::unbind:
      return "unbind " + arguments.address;
    default:
      return "reset " + arguments.address;
  }
}

std::string done_text(const JobView& job, bool dry_run) {
  if (job.kind.empty()) return "done";  // it was over before anything but its end was seen
  const std::string devices = count_devices(job.devices.size());
  if (!dry_run) return job.devices.empty() ? "done, nothing had to change" : "done, " + devices;
  if (job.devices.empty()) return "nothing would change";
  return fmt::format("would change {}: {}", devices, fmt::join(job.devices, ", "));
}

ClientResult<> print_result(const JobView& job, const Arguments& arguments) {
  if (job.state == "done") {
    fmt::print("{}: {}\n", title(arguments), done_text(job, arguments.dry_run));
    return {};
  }
  const std::string reason = job.error.empty() ? "" : ": " + job.error;
  return std::unexpected(
      ClientError{job.error_name, fmt::format("{} {}{}", title(arguments), job.state, reason)});
}

// Sends a call that starts a job, and follows the job to its end if that is wanted.
ClientResult<> run_job(Connection& connection, const BusMessagePtr& call, const Arguments& arguments) {
  JobFollower follower(connection);
  if (const auto started = follower.start(); !started) return started;
  const auto reply = connection.change(call);
  if (!reply) return std::unexpected(reply.error());
  const char* path = nullptr;
  if (const int r = sd_bus_message_read(reply->get(), "o", &path); r < 0)
    return std::unexpected(message_error(-r));
  // A dry run has nothing to wait for but its answer.
  if (arguments.wait == false && !arguments.dry_run) {
    fmt::print("{} has begun; \"nvccctl status\" and \"nvccctl monitor\" show how it goes\n", path);
    return {};
  }
  ProgressLine line;
  const auto job = follower.follow(path, [&](const JobView& state) { line.show(render_job(state)); });
  line.wipe();
  if (!job) return std::unexpected(job.error());
  return print_result(*job, arguments);
}

int append_options(sd_bus_message* call, const Arguments& arguments) {
  int r = sd_bus_message_open_container(call, 'a', "{sv}");
  const auto append = [&](const char* name, bool value) {
    if (r >= 0) r = sd_bus_message_append(call, "{sv}", name, "b", int{value});
  };
  append("persist", arguments.persist);
  append("dry-run", arguments.dry_run);
  if (arguments.wait) append("wait", *arguments.wait);
  return r < 0 ? r : sd_bus_message_close_container(call);
}

ClientResult<> set_mode(Connection& connection, const Arguments& arguments) {
  const auto call = connection.new_call(dbus::manager_path, dbus::manager_interface, "SetMode");
  int r = sd_bus_message_append(call.get(), "s", arguments.mode.c_str());
  if (r >= 0) r = append_options(call.get(), arguments);
  if (r < 0) return std::unexpected(message_error(-r));
  return run_job(connection, call, arguments);
}

ClientResult<> clear_mode(Connection& connection, const Arguments& arguments) {
  const auto call = connection.new_call(dbus::manager_path, dbus::manager_interface, "ClearMode");
  if (const int r = append_options(call.get(), arguments); r < 0) return std::unexpected(message_error(-r));
  return run_job(connection, call, arguments);
}

ClientResult<> device_job(Connection& connection, const Arguments& arguments, const char* method) {
  const auto path = connection.device_path(arguments.address);
  if (!path) return std::unexpected(path.error());
  return run_job(connection, connection.new_call(*path, dbus::device_interface, method), arguments);
}

ClientResult<> plain_change(Connection& connection, const char* method) {
  const auto reply =
      connection.change(connection.new_call(dbus::manager_path, dbus::manager_interface, method));
  if (!reply) return std::unexpected(reply.error());
  return {};
}

}  // namespace

ClientResult<> run(const Arguments& arguments) {
  auto connection = Connection::open(arguments.bus);
  if (!connection) return std::unexpected(connection.error());
  switch (arguments.command) {
    case Command::status:
      return status(*connection, arguments);
    case Command::list:
      return list(*connection, arguments);
    case Command::show:
      return show(*connection, arguments);
    case Command::set_mode:
      return set_mode(*connection, arguments);
    case Command::clear_mode:
      return clear_mode(*connection, arguments);
    case Command::monitor:
      return std::unexpected(monitor(*connection, arguments.json));
    case Command::bind:
      return device_job(*connection, arguments, "Bind");
    case Command::unbind:
      return device_job(*connection, arguments, "Unbind");
    case Command::reset:
      return device_job(*connection, arguments, "Reset");
    case Command::reload:
      return plain_change(*connection, "Reload");
    case Command::rescan:
      return plain_change(*connection, "Rescan");
  }
  std::unreachable();
}

}  // namespace nvccd::client
