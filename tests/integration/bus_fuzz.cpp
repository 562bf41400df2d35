// bus-fuzz: callers without any right, who send whatever the bus lets through to everything that nvccd has
// there. Nobody may be left without an answer, nothing may change, and nothing may grow. See --help.
#include <fmt/format.h>
#include <malloc.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <map>
#include <memory>

#include "common/bus/names.h"
#include "emulated_node.h"
#include "introspected.h"
#include "random_message.h"
#include "tests/support/fake_polkit.h"

// There in programs with an address sanitizer, whose memory mallinfo2() does not know.
extern "C" std::size_t __sanitizer_get_current_allocated_bytes() __attribute__((weak));

namespace nvccd::test {
namespace {

using std::chrono::steady_clock;

constexpr uid_t nobody = 65534;
constexpr std::size_t most_growth = 2'000'000;  // bytes, over a whole run

std::size_t bytes_in_use() {
  return __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes()
                                                 : ::mallinfo2().uordblks;
}

struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void require(bool holds, const std::string& what) {
  if (!holds) throw Failure(what);
}

class Fuzz {
 public:
  explicit Fuzz(std::uint64_t seed) : random_(seed) {
    settle();
    surface_ = introspect(root_);
    require(surface_.methods.size() > 20 && surface_.properties.size() > 50, "the service shows too little");
    before_ = state();
  }

  std::size_t methods() const { return surface_.methods.size(); }
  std::size_t properties() const { return surface_.properties.size(); }
  const std::map<std::string, unsigned>& answers() const { return answers_; }

  void iterate() {
    polkit_.answer = random_.one_of(std::vector<FakePolkit::Answer>{
        FakePolkit::Answer::deny, FakePolkit::Answer::deny, FakePolkit::Answer::challenge,
        FakePolkit::Answer::fail, FakePolkit::Answer::wait});
    const unsigned kind = random_.below(100);
    if (kind < 2)
      flood(100);
    else if (kind < 6)
      vanish();
    else if (kind < 8)
      send_bytes_that_are_no_text();
    else
      flood(1);
    require(state() == before_, "something changed");
    polkit_.checks.clear();
    polkit_.cancelled.clear();
  }

  // That it still serves those who have rights, and shows what it showed.
  void check_alive() {
    require(root_.call(dbus::manager_path, dbus::manager_interface, "ListDevices").ok(), "nvccd is gone");
    const Introspected now = introspect(root_);
    require(now.methods.size() == surface_.methods.size(), "an object came or went");
  }

 private:
  // One GPU is in a VM and a change waits for it: so there is a job too, and nothing moves by itself.
  void settle() {
    require(run_until(event_.get(), [&] { return node_.settled(); }), "the node does not settle");
    require(node_.hold(EmulatedNode::gpu(0)), "the GPU is not free");
    require(root_
                .call(dbus::manager_path, dbus::manager_interface, "SetMode", "sa{sv}", "devtools", 1, "wait",
                      "b", 1)
                .ok(),
            "the mode cannot be set");
    require(run_until(event_.get(),
                      [&] {
                        const auto& jobs = node_.manager().jobs();
                        return !jobs.empty() && jobs.begin()->second.state == JobState::waiting;
                      }),
            "the change does not wait");
    node_.set_speed(0);
  }

  // Everything that a caller could want to change.
  struct State {
    NodeState node;
    std::map<PciAddress, DeviceSnapshot> devices;
    std::map<JobId, JobSnapshot> jobs;
    std::vector<std::uint64_t> hardware;
    bool operator==(const State&) const = default;
  };
  State state() {
    State now{node_.manager().node(), node_.manager().devices(), node_.manager().jobs(), {}};
    for (const auto& [address, device] : now.devices) {
      const emulator::Device& hardware = node_.hardware(address);
      for (unsigned knob = 1; knob <= 47; ++knob)
        now.hardware.push_back(hardware.knob(knob));
      const emulator::Counters& counters = hardware.counters();
      now.hardware.insert(now.hardware.end(), {counters.function_level_resets, counters.bus_resets,
                                               counters.knob_writes, counters.register_accesses});
    }
    return now;
  }

  BusMessagePtr random_call(Client& client) {
    if (random_.one_in(4)) return random_property_call(client);
    IntrospectedMember method = random_.one_of(surface_.methods);
    if (random_.one_in(10)) method.path = random_.path();
    if (random_.one_in(20)) method.interface = random_.one_of(surface_.methods).interface;
    if (random_.one_in(20)) method.name = "Frobnicate";
    if (random_.one_in(3)) method.types = random_.signature();
    auto call = new_call(client, method);
    if (random_.append(call.get(), method.types) < 0) return new_call(client, method);
    return call;
  }

  BusMessagePtr random_property_call(Client& client) {
    const IntrospectedMember& property = random_.one_of(surface_.properties);
    const IntrospectedMember method{property.path, "org.freedesktop.DBus.Properties",
                                    random_.one_in(3) ? "Get" : "Set", ""};
    auto call = new_call(client, method);
    const std::string name = random_.one_in(4) ? random_.text() : property.name;
    sd_bus_message_append(call.get(), "ss", property.interface.c_str(), name.c_str());
    if (method.name == "Get") return call;
    const std::string type = random_.one_in(3) ? "s" : property.types;
    sd_bus_message_open_container(call.get(), 'v', type.c_str());
    if (random_.append(call.get(), type) < 0) return new_call(client, method);
    sd_bus_message_close_container(call.get());
    return call;
  }

  BusMessagePtr new_call(Client& client, const IntrospectedMember& method) {
    auto call = client.new_call(method.path, method.interface.c_str(), method.name.c_str());
    if (random_.one_in(8)) sd_bus_message_set_allow_interactive_authorization(call.get(), 1);
    return call;
  }

  // Sends calls without waiting for their answers, then waits for all of them.
  void flood(unsigned count) {
    std::vector<BusSlotPtr> slots;
    unsigned answered = 0;
    std::pair<Fuzz*, unsigned*> context(this, &answered);
    for (unsigned n = 0; n < count; ++n)
      slots.push_back(user_.start_call(random_call(user_), note_answer, &context));
    const auto all_answered = [&] {
      if (polkit_.answer == FakePolkit::Answer::wait && answered + polkit_.checks.size() >= count) {
        polkit_.answer = FakePolkit::Answer::deny;
        polkit_.answer_waiting();
      }
      return answered == count;
    };
    require(run_until(event_.get(), all_answered), "somebody was left without an answer");
  }

  static int note_answer(sd_bus_message* answer, void* userdata, sd_bus_error*) {
    auto& [fuzz, answered] = *static_cast<std::pair<Fuzz*, unsigned*>*>(userdata);
    ++*answered;
    const sd_bus_error* error = sd_bus_message_get_error(answer);
    ++fuzz->answers_[error ? error->name : "success"];
    return 0;
  }

  // Sends calls, some of which want no answer, and leaves.
  void vanish() {
    Client leaving(event_.get(), bus_.address(), user());
    for (unsigned n = random_.below(20); n > 0; --n) {
      const auto call = random_call(leaving);
      sd_bus_message_set_expect_reply(call.get(), random_.one_in(2));
      sd_bus_send(leaving.bus(), call.get(), nullptr);
    }
    if (random_.one_in(2)) sd_bus_flush(leaving.bus());
    leaving.disconnect();
    require(root_.call(dbus::manager_path, dbus::manager_interface, "ListDevices").ok(), "nvccd is gone");
    polkit_.answer = FakePolkit::Answer::deny;
    polkit_.answer_waiting();
    require(root_.call(dbus::manager_path, dbus::manager_interface, "ListDevices").ok(), "nvccd is gone");
  }

  // The bus throws such a client out; nvccd never hears of it.
  void send_bytes_that_are_no_text() {
    Client leaving(event_.get(), bus_.address(), user());
    auto call = leaving.new_call(dbus::manager_path, dbus::manager_interface, "GetDevice");
    sd_bus_message_append(call.get(), "s", "\xff\xfe");
    sd_bus_send(leaving.bus(), call.get(), nullptr);
    sd_bus_flush(leaving.bus());
  }

  static uid_t user() { return ::geteuid() == 0 ? nobody : ::geteuid(); }

  RandomMessage random_;
  EventPtr event_ = new_event_loop();
  PrivateBus bus_;
  FakePolkit polkit_{event_.get(), bus_.address()};
  EmulatedNode node_{event_.get(), bus_.address(), {.gpus = 2, .switches = 1}};
  Client root_{event_.get(), bus_.address()};
  Client user_{event_.get(), bus_.address(), user()};
  Introspected surface_;
  State before_;
  std::map<std::string, unsigned> answers_;
};

int run(std::uint64_t iterations, std::uint64_t seed, unsigned seconds) {
  const auto end = steady_clock::now() + std::chrono::seconds(seconds);
  Fuzz fuzz(seed);
  fmt::print("{} methods and {} properties, seed {}\n", fuzz.methods(), fuzz.properties(), seed);
  std::uint64_t done = 0;
  std::size_t settled_bytes = 0;
  try {
    for (; seconds > 0 ? steady_clock::now() < end : done < iterations; ++done) {
      fuzz.iterate();
      if (done % 250 == 0) fuzz.check_alive();
      if (done == 1'000) settled_bytes = bytes_in_use();
    }
    fuzz.check_alive();
    if (settled_bytes > 0) {
      const std::size_t now = bytes_in_use();
      fmt::print("memory in use: {} bytes after 1000 iterations, {} at the end\n", settled_bytes, now);
      require(now < settled_bytes + most_growth, "memory grew");
    }
  } catch (const Failure& failure) {
    fmt::print("FAILED in iteration {} of seed {}: {}\n", done, seed, failure.what());
    return EXIT_FAILURE;
  }
  fmt::print("{} iterations, every call answered, nothing changed. Answers:\n", done);
  for (const auto& [name, count] : fuzz.answers())
    fmt::print("{:>9} {}\n", count, name);
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace nvccd::test

int main(int argc, char** argv) {
  std::uint64_t iterations = 2'000;
  std::uint64_t seed = 1;
  unsigned seconds = 0;
  CLI::App app{"Sends whatever the bus lets through to everything that nvccd has there, without any right.",
               "bus-fuzz"};
  app.add_option("--iterations", iterations, "How many")->capture_default_str();
  app.add_option("--seconds", seconds, "How long, instead");
  app.add_option("--seed", seed, "The same seed sends the same calls")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  spdlog::set_level(spdlog::level::off);  // that polkit is out of order, again and again
  return nvccd::test::run(iterations, seed, seconds);
}
