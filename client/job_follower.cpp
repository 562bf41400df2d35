#include "client/job_follower.h"

#include <utility>

#include "common/bus/names.h"

namespace nvccd::client {

ClientResult<> JobFollower::start() {
  if (const auto started = subscription_.start(); !started) return started;
  // Devices, and jobs that were there before we listened.
  auto mirror = connection_.mirror();
  if (!mirror) return std::unexpected(mirror.error());
  mirror_ = *std::move(mirror);
  return {};
}

ClientResult<std::optional<JobEnd>> JobFollower::follow(const std::string& path, Progress& progress) {
  if (const auto watched = subscription_.watch_user(progress.is_live()); !watched)
    return std::unexpected(watched.error());
  for (;;) {
    const auto current = job(path);
    if (current) progress.update(*current, devices_of(*current));
    const auto event = subscription_.next();
    if (!event) return std::unexpected(event.error());
    if (std::holds_alternative<Interrupted>(*event)) return std::nullopt;
    const auto* signal = std::get_if<Signal>(&*event);
    if (signal == nullptr) continue;
    if (const auto* owner = std::get_if<OwnerChanged>(signal); owner != nullptr && owner->left)
      return std::unexpected(
          ClientError{ExitStatus::not_reachable,
                      "nvccd stopped before the change was complete; when it starts again it "
                      "looks at the devices and does what is left to do"});
    if (const auto* ended = std::get_if<JobEnded>(signal); ended != nullptr && ended->path == path) {
      JobEnd end{.job = current.value_or(JobView{})};
      end.devices = devices_of(end.job);
      end.job.state = ended->result;
      return end;
    }
    mirror_.apply(*signal);
  }
}

std::vector<DeviceView> JobFollower::devices_of(const JobView& job) const {
  std::vector<DeviceView> devices;
  for (const std::string& address : job.devices) {
    const auto known = PciAddress::parse(address);
    if (auto device = known ? mirror_.device(dbus::device_path(*known)) : std::nullopt)
      devices.push_back(*std::move(device));
  }
  return devices;
}

}  // namespace nvccd::client
