// What clients that watch nvccd cost it: while nothing happens, and for each change of a property. The node
// is emulated (nvccd-emulated-node), everything else is as in the daemon.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>

#include "common/bus/names.h"
#include "tests/support/private_bus.h"
#include "tests/support/signal_log.h"

namespace nvccd::bench {
namespace {

using namespace std::chrono_literals;
using test::Client;

constexpr unsigned gpus = 60;
constexpr auto idle_time = 10s;

// dbus-daemon allows a user fewer connections by default.
constexpr const char* wide_limits =
    "<limit name='max_connections_per_user'>100000</limit><limit "
    "name='max_completed_connections'>100000</limit>"
    "<limit name='max_incomplete_connections'>10000</limit><limit "
    "name='max_match_rules_per_connection'>512</limit>";

// Of a process, since it began.
struct Usage {
  double processor_ms = 0;
  std::uint64_t wakeups = 0;  // voluntary switches: each is a wait that has ended

  Usage operator-(const Usage& before) const {
    return {processor_ms - before.processor_ms, wakeups - before.wakeups};
  }
};

Usage usage_of(pid_t process) {
  Usage usage;
  for (const auto& task : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", process))) {
    std::uint64_t nanoseconds = 0;
    std::ifstream(task.path() / "schedstat") >> nanoseconds;
    usage.processor_ms += static_cast<double>(nanoseconds) / 1e6;
    std::ifstream status(task.path() / "status");
    for (std::string word; status >> word;)
      if (std::uint64_t count = 0; word == "voluntary_ctxt_switches:" && status >> count)
        usage.wakeups += count;
  }
  return usage;
}

// nvccd-emulated-node as a process of its own.
class NodeProcess {
 public:
  NodeProcess(Client& client, const std::string& bus) : client_(client) {
    const std::string command = fmt::format(
        "exec {} --bus '{}' --gpus {} --switches 0 --speed 1000 >/dev/null", EMULATED_NODE, bus, gpus);
    input_.reset(::popen(command.c_str(), "w"));
    while (!answers("Ready"))
      std::this_thread::sleep_for(50ms);
  }

  void command(const std::string& line) {
    std::fputs((line + "\n").c_str(), input_.get());
    std::fflush(input_.get());
  }

  pid_t pid() {
    const auto message = bus_call("GetConnectionUnixProcessID");
    std::uint32_t pid = 0;
    sd_bus_message_read(message.get(), "u", &pid);
    return static_cast<pid_t>(pid);
  }

 private:
  struct Close {
    void operator()(FILE* file) const { ::pclose(file); }
  };

  bool answers(const char* property) {
    const test::Reply reply = client_.call(dbus::manager_path, "org.freedesktop.DBus.Properties", "Get", "ss",
                                           dbus::manager_interface, property);
    return reply.ok() && test::read_value(reply.message.get()) == "true";
  }
  BusMessagePtr bus_call(const char* member) {
    sd_bus_message* reply = nullptr;
    sd_bus_call_method(client_.bus(), "org.freedesktop.DBus", "/", "org.freedesktop.DBus", member, nullptr,
                       &reply, "s", dbus::bus_name);
    return BusMessagePtr(reply);
  }

  Client& client_;
  std::unique_ptr<FILE, Close> input_;
};

// A client as a monitoring agent is: reads everything once, then hears what changes.
struct Watcher {
  Watcher(sd_event* event, const std::string& bus)
      : client(std::make_unique<Client>(event, bus)), log(std::make_unique<test::SignalLog>(*client)) {
    client->call(dbus::manager_path, "org.freedesktop.DBus.Properties", "GetAll", "s",
                 dbus::manager_interface);
  }
  std::unique_ptr<Client> client;
  std::unique_ptr<test::SignalLog> log;
};

void measure(unsigned count) {
  const EventPtr event = test::new_event_loop();
  const test::PrivateBus bus(std::string(test::PrivateBus::allow_all) + wide_limits);
  Client client(event.get(), bus.address());
  NodeProcess node(client, bus.address());
  std::vector<Watcher> watchers;
  for (unsigned n = 0; n < count; ++n)
    watchers.emplace_back(event.get(), bus.address());
  test::SignalLog last(client);

  const pid_t pid = node.pid();
  const Usage start = usage_of(pid);
  std::this_thread::sleep_for(idle_time);
  const Usage idle = usage_of(pid) - start;

  const Usage before = usage_of(pid);
  for (unsigned n = 0; n < gpus; ++n)
    node.command(fmt::format("hold gpu{}", n));
  // Each hold is one change of a device (InUse); those of one turn are one signal of the node (Generation).
  const auto changed = [&](const test::SignalLog& log) {
    return std::ranges::count_if(log.signals,
                                 [](const auto& signal) { return signal.changed.contains("InUse"); });
  };
  test::run_until(
      event.get(),
      [&] {
        return changed(last) == gpus && std::ranges::all_of(watchers, [&](const Watcher& watcher) {
                 return changed(*watcher.log) == gpus;
               });
      },
      60s);
  const Usage work = usage_of(pid) - before;
  const double seconds = std::chrono::duration<double>(idle_time).count();
  fmt::print("{:>8}  {:>12.3f} ms/s {:>9.1f}/s {:>15.1f} us\n", count, idle.processor_ms / seconds,
             static_cast<double>(idle.wakeups) / seconds, 1e3 * work.processor_ms / gpus);
}

}  // namespace
}  // namespace nvccd::bench

int main() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  fmt::print("watchers  idle: processor   wakeups  processor a change\n");
  for (const unsigned count : {0U, 1U, 100U, 1000U})
    nvccd::bench::measure(count);
}
