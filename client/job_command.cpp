#include "client/job_command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "client/commands.h"
#include "client/interruption.h"
#include "client/job_follower.h"
#include "client/progress.h"
#include "client/terminal.h"
#include "client/words.h"
#include "common/bus/error_name.h"
#include "common/bus/names.h"

namespace nvccd::client {
namespace {

// What the user asked for.
std::string title(const Arguments& arguments) {
  std::string title = arguments.command->name;
  for (const std::string& operand : {arguments.mode, arguments.address})
    if (!operand.empty()) title += " " + operand;
  return title;
}

std::string done_text(const JobView& job, bool dry_run) {
  const std::string devices = count_devices(job.devices.size());
  if (!dry_run) return job.devices.empty() ? "done, nothing had to change" : "done, " + devices;
  if (job.devices.empty()) return "nothing would change";
  return fmt::format("would change {}: {}", devices, fmt::join(job.devices, ", "));
}

// What the user can do about a job that failed or was refused.
std::string advice(const Arguments& arguments, const std::string& error_name) {
  const auto kind = parse_enum<ErrorKind>(error_name);
  if (kind == ErrorKind::device_busy && arguments.command->takes("--wait") && !arguments.wait.value_or(false))
    return fmt::format("nvccctl {} --wait waits until the device is free", title(arguments));
  if (kind == ErrorKind::job_in_progress)
    return "nvccctl status shows it, nvccctl cancel stops it until the first device is reset";
  if (kind == ErrorKind::hardware_failed) return "journalctl -u nvccd has the details";
  return "";
}

ClientError with_advice(ClientError error, const Arguments& arguments) {
  if (error.advice.empty()) error.advice = advice(arguments, error.bus_name);
  return error;
}

ClientError failure(const JobEnd& end, const Arguments& arguments) {
  const JobView& job = end.job;
  ClientError error = bus_error(job.error_name, fmt::format("{} {}", title(arguments), job.state.text));
  if (!job.error.empty()) error.message += ": " + job.error;
  // The job names one device; all that failed are of interest.
  for (const DeviceView& device : end.devices)
    if (device.state == DeviceState::failed && !device.error.empty() && device.error != job.error)
      error.message += "\n" + error_text(device);
  return with_advice(std::move(error), arguments);
}

// Waits for the end of the job. Does not return when the user does not want to wait for it any longer.
ClientResult<JobEnd> wait_for(JobFollower& follower, const std::string& path, const std::string& title,
                              Progress& progress) {
  const auto end = follower.follow(path, progress);
  progress.clear();
  if (!end) return std::unexpected(end.error());
  if (*end) return **end;
  const std::string notice = fmt::format(
      "{} goes on: nvccctl status shows it, nvccctl cancel stops it until the first device is reset", title);
  // Below the ^C of the terminal.
  fmt::print(stderr, "\n{}\n", wrap(notice, page_of(STDERR_FILENO).width, 2, 0));
  end_interrupted();
}

// Sends a call that starts a job, and follows the job to its end if that is wanted.
ClientResult<> run_job(Connection& connection, const BusMessagePtr& call, const Arguments& arguments) {
  JobFollower follower(connection);
  if (const auto started = follower.start(); !started) return started;
  const auto reply = connection.change(call);
  if (!reply) return std::unexpected(with_advice(reply.error(), arguments));
  const char* path = nullptr;
  if (const int r = sd_bus_message_read(reply->get(), "o", &path); r < 0)
    return std::unexpected(message_error(-r));
  // A dry run has nothing to wait for but its answer.
  if (arguments.wait == false && !arguments.dry_run) {
    fmt::print("{} has begun: nvccctl status shows it, nvccctl monitor follows it\n", title(arguments));
    return {};
  }
  const auto progress = arguments.dry_run ? std::make_unique<Progress>() : make_progress(title(arguments));
  const auto end = wait_for(follower, path, title(arguments), *progress);
  if (!end) return std::unexpected(end.error());
  if (end->job.state != JobState::done) return std::unexpected(failure(*end, arguments));
  fmt::print("{}: {}\n", title(arguments), done_text(end->job, arguments.dry_run));
  return {};
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

ClientError no_such_job(const Arguments& arguments) {
  if (!arguments.job) return {ExitStatus::failed, "nothing is being changed, so there is nothing to cancel"};
  return {ExitStatus::failed,
          fmt::format("there is no job {}, or it has ended; nvccctl status shows those that run",
                      *arguments.job)};
}

// Path of the job that is meant; "" when there is none.
ClientResult<std::string> job_to_cancel(Connection& connection, const Arguments& arguments) {
  if (arguments.job) return dbus::job_path(*arguments.job);
  const auto node = connection.properties(dbus::manager_path, dbus::manager_interface);
  if (!node) return std::unexpected(node.error());
  const auto current = get<std::string>(*node, "CurrentJob");
  return current == dbus::no_job_path ? "" : current;
}

}  // namespace

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

ClientResult<> cancel(Connection& connection, const Arguments& arguments) {
  JobFollower follower(connection);
  if (const auto started = follower.start(); !started) return started;
  const auto path = job_to_cancel(connection, arguments);
  if (!path) return std::unexpected(path.error());
  const auto known = follower.job(*path);
  if (!known) return std::unexpected(no_such_job(arguments));
  const JobView& job = *known;
  const auto reply = connection.change(connection.new_call(*path, dbus::job_interface, "Cancel"));
  if (!reply) {
    if (reply.error().bus_name == SD_BUS_ERROR_UNKNOWN_OBJECT) return std::unexpected(no_such_job(arguments));
    return std::unexpected(reply.error());
  }
  if (arguments.wait == false) {
    fmt::print("{} is being cancelled\n", printable(job.title()));
    return {};
  }
  // What was written already is put back first.
  Progress progress;
  const auto end = wait_for(follower, *path, job.title(), progress);
  if (!end) return std::unexpected(end.error());
  if (end->job.state == JobState::cancelled) {
    fmt::print("{}: cancelled\n", job.title());
    return {};
  }
  return std::unexpected(bus_error(
      end->job.error_name, fmt::format("{} was not cancelled, it is {}{}{}", job.title(), end->job.state.text,
                                       end->job.error.empty() ? "" : ": ", end->job.error)));
}

}  // namespace nvccd::client
