#include "client/monitor.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <map>
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
    auto node = connection_.properties(dbus::manager_path, dbus::manager_interface);
    if (!node) return std::unexpected(node.error());
    auto objects = connection_.managed_objects();
    if (!objects) return std::unexpected(objects.error());
    objects_.clear();
    apply(dbus::manager_path, dbus::manager_interface, std::move(*node));
    for (auto& [path, interfaces] : *objects)
      for (auto& [interface, properties] : interfaces)
        apply(path, interface, std::move(properties));
    return {};
  }

  ClientResult<> handle(BusEvent event) {
    switch (event.kind) {
      case BusEvent::Kind::changed:
        apply(event.path, event.interface, std::move(event.properties));
        break;
      case BusEvent::Kind::removed:
        remove(event.path);
        break;
      case BusEvent::Kind::job_ended:
        end_job(event);
        break;
      case BusEvent::Kind::daemon_stopped:
        print("daemon-stopped", "nvccd stopped", nullptr);
        break;
      case BusEvent::Kind::interrupted:
      case BusEvent::Kind::redraw:
        break;  // not asked for
      case BusEvent::Kind::daemon_started:
        print("daemon-started", "nvccd started", nullptr);
        // It may be gone again, and come back.
        if (auto shown = show_all(); !shown && shown.error().status != ExitStatus::not_reachable)
          return shown;
        break;
    }
    return {};
  }

 private:
  void apply(const std::string& path, const std::string& interface, PropertyMap changes) {
    PropertyMap& properties = objects_[path];
    for (auto& [name, value] : changes)
      properties.insert_or_assign(name, std::move(value));
    if (interface == dbus::manager_interface) show_node(to_node(properties));
    if (interface == dbus::device_interface) show_device(to_device(properties));
    if (interface == dbus::job_interface) show_job(to_job(properties));
  }

  void remove(const std::string& path) {
    const auto place = objects_.find(path);
    if (place == objects_.end()) return;
    if (path.starts_with(dbus::device_prefix)) {
      const DeviceView device = to_device(place->second);
      print("device-removed", device.address + ": removed", device_json(device));
    }
    objects_.erase(place);
  }

  void end_job(const BusEvent& event) {
    JobView job = to_job(objects_[event.path]);
    job.state = event.result;
    const std::string reason = job.error.empty() ? "" : ": " + job.error;
    print("job-ended", fmt::format("job {}: {} {}{}", job.id, job.title(), job.state, reason), job_json(job));
  }

  void show_node(const NodeView& node) {
    const std::string error = node.error.empty() ? "" : ": " + node.error;
    print("node",
          fmt::format("node: mode {}, requested {}, {}{}", node.mode_state, node.requested_mode,
                      node.ready ? "ready" : "not ready", error),
          node_json(node));
  }

  void show_device(const DeviceView& device) {
    const std::string error = device.error.empty() ? "" : ": " + device.error;
    print("device",
          fmt::format("{}: mode {}, {}{}{}", device.address, device.mode, device.state,
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
  std::map<std::string, PropertyMap> objects_;
  std::string last_;
};

}  // namespace

ClientError monitor(Connection& connection, bool json) {
  Subscription subscription(connection);
  if (const auto started = subscription.start(); !started) return started.error();
  Monitor monitor(connection, json);
  if (const auto shown = monitor.show_all(); !shown) return shown.error();
  for (;;) {
    auto event = subscription.next();
    if (!event) return event.error();
    if (const auto handled = monitor.handle(std::move(*event)); !handled) return handled.error();
  }
}

}  // namespace nvccd::client
