#include "client/job_follower.h"

#include <utility>

#include "common/bus/names.h"

namespace nvccd::client {

ClientResult<> JobFollower::start() {
  if (const auto started = subscription_.start(); !started) return started;
  // Devices, and jobs that were there before we listened.
  auto objects = connection_.managed_objects();
  if (!objects) return std::unexpected(objects.error());
  for (auto& [path, interfaces] : *objects)
    for (auto& [interface, properties] : interfaces)
      apply({.kind = BusEvent::Kind::changed, .path = path, .properties = std::move(properties)});
  return {};
}

ClientResult<std::optional<JobEnd>> JobFollower::follow(const std::string& path, Progress& progress) {
  if (const auto watched = subscription_.watch_user(progress.is_live()); !watched)
    return std::unexpected(watched.error());
  for (;;) {
    if (objects_.contains(path)) {
      const JobView current = job(path);
      progress.update(current, devices_of(current));
    }
    auto event = subscription_.next();
    if (!event) return std::unexpected(event.error());
    switch (event->kind) {
      case BusEvent::Kind::interrupted:
        return std::nullopt;
      case BusEvent::Kind::daemon_stopped:
        return std::unexpected(
            ClientError{ExitStatus::not_reachable,
                        "nvccd stopped before the change was complete; when it starts again it "
                        "looks at the devices and does what is left to do"});
      case BusEvent::Kind::job_ended:
        if (event->path == path) {
          JobEnd end{.job = job(path), .devices = devices_of(job(path))};
          end.job.state = event->result;
          return end;
        }
        break;
      default:
        apply(std::move(*event));
    }
  }
}

JobView JobFollower::job(const std::string& path) const {
  const auto place = objects_.find(path);
  return place == objects_.end() ? JobView{} : to_job(place->second);
}

void JobFollower::apply(BusEvent event) {
  if (event.kind == BusEvent::Kind::removed) objects_.erase(event.path);
  if (event.kind != BusEvent::Kind::changed) return;
  for (auto& [name, value] : event.properties)
    objects_[event.path].insert_or_assign(name, std::move(value));
}

std::vector<DeviceView> JobFollower::devices_of(const JobView& job) const {
  std::vector<DeviceView> devices;
  for (const std::string& address : job.devices) {
    const auto known = PciAddress::parse(address);
    const auto place = known ? objects_.find(dbus::device_path(*known)) : objects_.end();
    if (place != objects_.end()) devices.push_back(to_device(place->second));
  }
  return devices;
}

}  // namespace nvccd::client
