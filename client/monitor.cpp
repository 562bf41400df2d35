#include "client/monitor.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <string>

#include "client/json_output.h"
#include "client/subscription.h"
#include "client/text.h"
#include "client/words.h"
#include "common/bus/names.h"

namespace nvccd::client {
namespace {

using Json = nlohmann::ordered_json;

class Monitor {
 public:
  Monitor(Connection& connection, bool json) : connection_(connection), json_(json) {}

  ClientResult<> show_all() {
    auto mirror = connection_.mirror();
    if (!mirror) return std::unexpected(mirror.error());
    mirror_ = *std::move(mirror);
    const Snapshot snapshot = mirror_.snapshot();
    show_node(snapshot.node);
    for (const DeviceView& device : snapshot.devices)
      show_device(device);
    for (const JobView& job : snapshot.jobs)
      show_job(job);
    return {};
  }

  ClientResult<> handle(const Signal& signal) {
    if (const auto* removed = std::get_if<ObjectRemoved>(&signal))
      if (const auto device = mirror_.device(removed->path))
        print("device-removed", device->address + ": removed", device_json(*device));
    if (const auto* ended = std::get_if<JobEnded>(&signal)) show_end(*ended);
    mirror_.apply(signal);
    if (const auto* added = std::get_if<ObjectAdded>(&signal)) show(added->path);
    if (const auto* changed = std::get_if<PropertiesChanged>(&signal)) show(changed->path);
    if (const auto* owner = std::get_if<OwnerChanged>(&signal)) return show_owner(*owner);
    return {};
  }

 private:
  void show(const std::string& path) {
    if (path == dbus::manager_path) show_node(mirror_.node());
    if (const auto device = mirror_.device(path)) show_device(*device);
    if (const auto job = mirror_.job(path)) show_job(*job);
  }

  ClientResult<> show_owner(const OwnerChanged& owner) {
    if (owner.left) print("daemon-stopped", "nvccd stopped", nullptr);
    if (!owner.came) return {};
    print("daemon-started", "nvccd started", nullptr);
    // It may be gone again, and come back.
    if (auto shown = show_all(); !shown && shown.error().status != ExitStatus::not_reachable) return shown;
    return {};
  }

  void show_end(const JobEnded& ended) {
    JobView job = mirror_.job(ended.path).value_or(JobView{.id = ended.id});
    job.state = ended.result;
    const std::string reason = job.error.empty() ? "" : ": " + job.error;
    print("job-ended", fmt::format("job {}: {} {}{}", job.id, job.title(), job.state.text, reason),
          job_json(job));
  }

  void show_node(const NodeView& node) {
    const std::string error = node.error.empty() ? "" : ": " + node.error;
    print("node",
          fmt::format("node: mode {}, requested {}, {}{}", node.mode_state.text, node.requested_mode.text,
                      node.ready ? "ready" : "not ready", error),
          node_json(node));
  }

  void show_device(const DeviceView& device) {
    const std::string error = device.error.empty() ? "" : ": " + device.error;
    print("device",
          fmt::format("{}: mode {}, {}{}{}", device.address, device.mode.text, device.state.text,
                      device.in_use ? ", in use" : "", error),
          device_json(device));
  }

  void show_job(const JobView& job) {
    print("job", fmt::format("job {}: {}", job.id, job_text(job)), job_json(job));
  }

  // For programs one JSON document a line.
  void print(const char* event, std::string text, Json object) {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    // Other properties of the object may change, such as the generation, without a word of the line changing.
    const std::string key = std::string(event) + text + to_text(object);
    if (key == last_) return;
    last_ = key;
    if (json_)
      text = to_text(
          {{"time", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", now)}, {"event", event}, {"object", object}}, -1);
    else
      text = fmt::format("{:%H:%M:%S} {}", fmt::localtime(std::chrono::system_clock::to_time_t(now)),
                         printable(text));
    fmt::print("{}\n", text);
    std::fflush(stdout);
  }

  Connection& connection_;
  bool json_;
  Mirror mirror_;
  std::string last_;
};

}  // namespace

ClientError monitor(Connection& connection, bool json) {
  Subscription subscription(connection);
  if (const auto started = subscription.start(); !started) return started.error();
  Monitor monitor(connection, json);
  if (const auto shown = monitor.show_all(); !shown) return shown.error();
  for (;;) {
    const auto event = subscription.next();
    if (!event) return event.error();
    const auto* signal = std::get_if<Signal>(&*event);
    if (signal == nullptr) continue;
    if (const auto handled = monitor.handle(*signal); !handled) return handled.error();
  }
}

}  // namespace nvccd::client
