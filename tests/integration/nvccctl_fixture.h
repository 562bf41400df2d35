// nvccctl as people and scripts run it, against nvccd's objects on a private bus.
#pragma once

#include "tests/support/bus_fixture.h"
#include "tests/support/child_process.h"

namespace nvccd::test {

class NvccctlTest : public BusTest {
 protected:
  NvccctlTest() {
    manager.appear(hopper_gpu("0000:65:00.0"));
    manager.appear(ls10_switch("0000:83:00.0"));
    manager.change_node([](NodeState& node) {
      node.mode_state = ModeState::on;
      node.ready = true;
    });
    serve();
  }

  std::unique_ptr<ChildProcess> start_program(const std::vector<std::string>& command,
                                              ChildProcess::Options options = {}) {
    options.environment.push_back("DBUS_SYSTEM_BUS_ADDRESS=" + bus.address());
    return std::make_unique<ChildProcess>(event.get(), command, options);
  }
  std::unique_ptr<ChildProcess> start(std::vector<std::string> arguments,
                                      const ChildProcess::Options& options = {}) {
    arguments.insert(arguments.begin(), NVCCCTL);
    return start_program(arguments, options);
  }

  struct Outcome {
    int status;
    std::string output;
    std::string errors;
  };
  static Outcome outcome_of(ChildProcess& child) {
    const int status = child.wait();
    return {status, child.output(), child.error_output()};
  }
  Outcome run(const std::vector<std::string>& arguments, const ChildProcess::Options& options = {}) {
    return outcome_of(*start(arguments, options));
  }

  static ChildProcess::Options on_terminal(unsigned short columns = 80) {
    return {.environment = {"TERM=xterm"}, .terminal = true, .columns = columns};
  }

  bool wait_until(const std::function<bool()>& condition) { return run_until(event.get(), condition); }
};

}  // namespace nvccd::test
