// A node of emulated devices on a private bus, a client, and what the client hears.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "common/bus/names.h"
#include "emulated_node.h"
#include "tests/support/private_bus.h"
#include "tests/support/signal_log.h"

namespace nvccd::test {

class DbusNode : public testing::Test {
 protected:
  using Words = std::vector<std::string>;

  // Starts nvccd and waits until every device has been looked at.
  void start(const EmulatedNode::Shape& shape) {
    node = std::make_unique<EmulatedNode>(event.get(), bus.address(), shape);
    client = std::make_unique<Client>(event.get(), bus.address());
    log = std::make_unique<SignalLog>(*client);
    ASSERT_TRUE(run_until(event.get(), [&] { return node->settled(); }));
  }

  template <typename... Arguments>
  Reply call_manager(const char* member, Arguments... arguments) {
    return client->call(dbus::manager_path, dbus::manager_interface, member, arguments...);
  }
  Reply call_device(const PciAddress& device, const char* member) {
    return client->call(dbus::device_path(device), dbus::device_interface, member);
  }

  // The job that a call has started.
  std::string job_of(const Reply& reply) {
    EXPECT_TRUE(reply.ok()) << reply.error_name << ": " << reply.error_message;
    return reply.ok() ? reply.read_string('o') : "";
  }
  std::string set_mode(const char* mode) { return job_of(call_manager("SetMode", "sa{sv}", mode, 0)); }
  // "done", "failed", "cancelled"; "" when it does not end.
  std::string result(const std::string& job) {
    run_until(event.get(), [&] { return !log->result(job).empty(); });
    return log->result(job);
  }
  // Everything that was signalled until now has arrived.
  void settle() { EXPECT_TRUE(client->call("/", "org.freedesktop.DBus.Peer", "Ping").ok()); }
  void forget_signals() {
    settle();
    log->signals.clear();
  }
  // Of the running job, as the engine knows it. A call on the bus would take time, and the job's go on.
  std::optional<JobPhase> phase() const {
    const auto& jobs = node->manager().jobs();
    return jobs.empty() ? std::nullopt : std::optional(jobs.begin()->second.phase);
  }

  std::string get(const std::string& path, const char* interface, const std::string& name) {
    const Reply reply =
        client->call(path, "org.freedesktop.DBus.Properties", "Get", "ss", interface, name.c_str());
    return reply.ok() ? read_value(reply.message.get()) : reply.error_name;
  }
  std::string of_node(const std::string& name) {
    return get(dbus::manager_path, dbus::manager_interface, name);
  }
  std::string of_device(const PciAddress& device, const std::string& name) {
    return get(dbus::device_path(device), dbus::device_interface, name);
  }
  std::string of_job(const std::string& job, const std::string& name) {
    return get(job, dbus::job_interface, name);
  }
  // The last value that was signalled of a job which is gone by now.
  std::string last_of_job(const std::string& job, const std::string& name) {
    const auto values = log->values(job, name);
    return values.empty() ? "never signalled" : values.back();
  }

  const PciAddress gpu0 = EmulatedNode::gpu(0);
  const PciAddress gpu1 = EmulatedNode::gpu(1);
  const PciAddress switch0 = EmulatedNode::nvswitch(0);

  EventPtr event = new_event_loop();
  PrivateBus bus;
  std::unique_ptr<EmulatedNode> node;
  std::unique_ptr<Client> client;
  std::unique_ptr<SignalLog> log;
};

}  // namespace nvccd::test
