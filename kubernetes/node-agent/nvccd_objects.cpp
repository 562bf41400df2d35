#include "kubernetes/node-agent/nvccd_objects.h"

#include <string_view>

#include "common/bus/names.h"

namespace nvccd::agent {

// ---- reading ----

bool NvccdObjects::read_manager(sd_bus_message* answer) {
  manager_.clear();
  if (!sd_bus_message_is_method_error(answer, nullptr) && client::read_properties(answer, manager_) >= 0)
    return true;
  manager_.clear();
  return false;
}

bool NvccdObjects::read_others(sd_bus_message* answer) {
  objects_.clear();
  if (!sd_bus_message_is_method_error(answer, nullptr) && client::read_objects(answer, objects_) >= 0)
    return true;
  objects_.clear();
  return false;
}

void NvccdObjects::clear() {
  manager_.clear();
  objects_.clear();
}

// ---- signals ----

bool NvccdObjects::note(sd_bus_message* signal) {
  const std::string_view member = sd_bus_message_get_member(signal);
  if (member == "InterfacesAdded") return note_added(signal);
  if (member == "InterfacesRemoved") return note_removed(signal);
  if (member == "PropertiesChanged") return note_changed(signal);
  return false;
}

bool NvccdObjects::note_added(sd_bus_message* signal) {
  const char* path = nullptr;
  client::Interfaces interfaces;
  if (sd_bus_message_read(signal, "o", &path) < 0 || client::read_interfaces(signal, interfaces) < 0)
    return false;
  objects_.insert_or_assign(path, std::move(interfaces));
  return true;
}

bool NvccdObjects::note_removed(sd_bus_message* signal) {
  const char* path = nullptr;
  return sd_bus_message_read(signal, "o", &path) >= 0 && objects_.erase(path) > 0;
}

// Of an object that is not known the properties come with the answer that is under way.
bool NvccdObjects::note_changed(sd_bus_message* signal) {
  const char* interface = nullptr;
  client::PropertyMap properties;
  if (sd_bus_message_read(signal, "s", &interface) < 0 || client::read_properties(signal, properties) < 0)
    return false;
  const std::string path = sd_bus_message_get_path(signal);
  client::PropertyMap* kept = nullptr;
  if (path == dbus::manager_path && std::string_view(interface) == dbus::manager_interface)
    kept = &manager_;
  else if (const auto object = objects_.find(path); object != objects_.end())
    kept = &object->second[interface];
  if (kept == nullptr) return false;
  for (auto& [name, value] : properties)
    kept->insert_or_assign(name, std::move(value));
  return true;
}

// ---- what they say ----

client::Snapshot NvccdObjects::snapshot() const {
  return {.node = client::to_node(manager_),
          .devices = client::views(objects_, dbus::device_interface, client::to_device),
          .jobs = client::views(objects_, dbus::job_interface, client::to_job)};
}

bool NvccdObjects::affects_devices(const std::string& job) const {
  const auto object = objects_.find(job);
  if (object == objects_.end()) return true;
  const auto interface = object->second.find(dbus::job_interface);
  return interface == object->second.end() || !client::to_job(interface->second).devices.empty();
}

client::JobView NvccdObjects::take_job(const std::string& path) {
  const auto object = objects_.find(path);
  if (object == objects_.end()) return {};
  client::JobView job = client::to_job(object->second[dbus::job_interface]);
  objects_.erase(object);
  return job;
}

}  // namespace nvccd::agent
