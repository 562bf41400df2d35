#include "daemon/bus/bus_service.h"

#include <cerrno>
#include <utility>

#include "common/base/deferred_call.h"
#include "common/base/open_bus.h"
#include "common/bus/names.h"
#include "daemon/bus/device_object.h"
#include "daemon/bus/job_object.h"
#include "daemon/bus/manager_object.h"
#include "daemon/bus/object_directory.h"

namespace nvccd {
namespace {

Result<> request_name(sd_bus* bus) {
  const int r = sd_bus_request_name(bus, dbus::bus_name, 0);
  if (r == -EEXIST)
    return std::unexpected(Error{.kind = ErrorKind::system,
                                 .cause = "org.nvccd1 on the bus belongs to another process",
                                 .advice = "stop the other nvccd first"});
  if (r == -EACCES)
    return std::unexpected(Error{.kind = ErrorKind::system,
                                 .cause = "the bus refuses the name org.nvccd1",
                                 .advice = "is org.nvccd1.conf installed, and does nvccd run as root?"});
  if (r < 0) return std::unexpected(system_error("request the name org.nvccd1 on the bus", -r));
  return {};
}

}  // namespace

// Everything that is registered on the connection.
class BusService::Objects final : public ManagerObserver {
 public:
  Objects(sd_bus* bus, Manager& manager, dbus::CheckFunction check)
      : bus_(bus),
        manager_(manager),
        authority_(bus),
        node_(bus, manager, authority_, std::move(check)),
        devices_(bus),
        jobs_(bus) {}
  ~Objects() override { manager_.remove_observer(*this); }

  Result<> attach(sd_event* event) {
    for (const auto& [address, device] : manager_.devices())
      devices_.insert(dbus::device_path(address), {manager_, authority_, device});
    for (const auto& [id, job] : manager_.jobs())
      jobs_.insert(dbus::job_path(id), {manager_, authority_, job});
    manager_.add_observer(*this);

    int r = sd_bus_add_object_manager(bus_, out(object_manager_), dbus::manager_path);
    if (r >= 0) r = node_.attach();
    if (r >= 0) r = devices_.attach(dbus::device_prefix);
    if (r >= 0) r = jobs_.attach(dbus::job_prefix);
    if (r < 0) return std::unexpected(system_error("register the objects on the bus", -r));
    // The changes of one turn of the loop are signalled together, before the next thing is served; only what
    // the kernel has queued about VFIO nodes comes first.
    auto turn_end = DeferredCall::create(event, [this] { signal_changes(); }, SD_EVENT_PRIORITY_NORMAL - 2);
    if (!turn_end) return std::unexpected(turn_end.error());
    turn_end_ = *std::move(turn_end);
    return {};
  }

  void node_changed() override { signal_soon(); }

  void device_added(const PciAddress& address) override {
    devices_.add(dbus::device_path(address), {manager_, authority_, manager_.devices().at(address)});
  }
  void device_changed(const PciAddress& address) override {
    devices_.update(dbus::device_path(address), manager_.devices().at(address));
    signal_soon();
  }
  void device_removed(const PciAddress& address) override {
    devices_.remove(dbus::device_path(address));
    signal_soon();
  }

  void job_added(JobId id) override {
    jobs_.add(dbus::job_path(id), {manager_, authority_, manager_.jobs().at(id)});
    node_.announce_job(id);
    signal_soon();  // CurrentJob is a property of the node
  }
  void job_changed(JobId id) override {
    jobs_.update(dbus::job_path(id), manager_.jobs().at(id));
    signal_soon();
  }
  void job_removed(JobId id) override {
    const JobSnapshot& job = manager_.jobs().at(id);
    jobs_.update(dbus::job_path(id), job);
    signal_changes();  // whoever waits for the end has by then what the job has led to
    node_.announce_job_end(id, job.state);
    jobs_.remove(dbus::job_path(id));
    signal_soon();
  }

 private:
  void signal_soon() { turn_end_->request(); }
  void signal_changes() {
    devices_.signal_changes();
    jobs_.signal_changes();
    node_.signal_changes();  // last: who sees that the node is ready sees that its devices are
  }
  sd_bus* bus_;
  Manager& manager_;
  dbus::Authority authority_;
  dbus::ManagerObject node_;
  dbus::ObjectDirectory<dbus::DeviceObject> devices_;
  dbus::ObjectDirectory<dbus::JobObject> jobs_;
  std::unique_ptr<DeferredCall> turn_end_;
  BusSlotPtr object_manager_;
};

BusService::BusService(BusPtr bus, std::unique_ptr<Objects> objects)
    : bus_(std::move(bus)), objects_(std::move(objects)) {}

BusService::~BusService() = default;

Result<BusPtr> BusService::take_name(const std::string& address) {
  auto bus = open_bus(address);
  if (!bus)
    return std::unexpected(system_error(
        address.empty() ? "connect to the system bus" : "connect to the bus at " + address, bus.error()));
  if (auto named = request_name(bus->get()); !named) return std::unexpected(named.error());
  return std::move(*bus);
}

Result<std::unique_ptr<BusService>> BusService::create(sd_event* event, BusPtr bus, Manager& manager,
                                                       dbus::CheckFunction check) {
  auto objects = std::make_unique<Objects>(bus.get(), manager, std::move(check));
  if (auto attached = objects->attach(event); !attached) return std::unexpected(attached.error());
  int r = sd_bus_set_exit_on_disconnect(bus.get(), 1);
  if (r >= 0) r = sd_bus_attach_event(bus.get(), event, SD_EVENT_PRIORITY_NORMAL);
  if (r < 0) return std::unexpected(system_error("serve the bus", -r));
  return std::unique_ptr<BusService>(new BusService(std::move(bus), std::move(objects)));
}

Result<std::unique_ptr<BusService>> BusService::create(sd_event* event, const std::string& address,
                                                       Manager& manager, dbus::CheckFunction check) {
  auto bus = take_name(address);
  if (!bus) return std::unexpected(bus.error());
  return create(event, *std::move(bus), manager, std::move(check));
}

}  // namespace nvccd
