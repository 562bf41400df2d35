// nvccd-emulated-node: nvccd for a developer without devices. See --help.
#include <fmt/format.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <map>
#include <memory>

#include "node_commands.h"
#include "tests/support/event_loop.h"
#include "tests/support/fake_polkit.h"
#include "tests/support/private_bus.h"

namespace nvccd::test {
namespace {

struct Options {
  std::string bus;
  std::string polkit;
  std::string mode = "on";
  EmulatedNode::Shape shape = {.speed = 1};
};

void say(const std::string& line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

int parse(int argc, char** argv, Options& options) {
  CLI::App app{
      "The real nvccd engine on emulated devices, on a message bus: for working on clients and for tests.\n"
      "Prints \"bus ADDRESS\" when it made a bus of its own, then \"ready\" when every device was looked "
      "at,\n"
      "and after each command \"ok\" or \"error: ...\". Ends with its standard input.",
      "nvccd-emulated-node"};
  app.add_option("--bus", options.bus, "Serve on this bus instead of one of its own")->type_name("ADDRESS");
  app.add_option("--gpus", options.shape.gpus, "H100 GPUs")->check(CLI::Range(0, 64))->capture_default_str();
  app.add_option("--switches", options.shape.switches, "NVSwitches")
      ->check(CLI::Range(0, 64))
      ->capture_default_str();
  app.add_option("--mode", options.mode, "Default mode of the settings")
      ->check(CLI::IsMember({"on", "off", "devtools"}))
      ->capture_default_str();
  app.add_option("--speed", options.shape.speed, "Simulated seconds in a real one")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_flag_callback("--unbound", [&] { options.shape.driver.clear(); }, "Start with no driver");
  app.add_option("--polkit", options.polkit, "Put a polkit on the bus that says so to everybody but root")
      ->check(CLI::IsMember({"allow", "deny", "challenge"}));
  app.footer(node_command_help());
  CLI11_PARSE(app, argc, argv);
  options.shape.settings.mode.default_mode = parse_enum<Mode>(options.mode).value();
  return -1;
}

// Reads standard input by lines; the loop ends with it.
class CommandInput {
 public:
  CommandInput(sd_event* event, EmulatedNode& node) : event_(event), node_(node) {
    sd_event_source* source = nullptr;
    if (sd_event_add_io(event, &source, STDIN_FILENO, EPOLLIN, on_input, this) < 0)
      throw std::runtime_error("standard input must be a pipe or a terminal");
    source_.reset(source);
  }

 private:
  static int on_input(sd_event_source*, int fd, std::uint32_t, void* userdata) {
    auto& input = *static_cast<CommandInput*>(userdata);
    char buffer[1024];
    const ssize_t size = ::read(fd, buffer, sizeof buffer);
    if (size <= 0) return sd_event_exit(input.event_, 0);
    input.text_.append(buffer, static_cast<std::size_t>(size));
    for (std::size_t end = 0; (end = input.text_.find('\n')) != std::string::npos;) {
      say(run_node_command(input.node_, input.text_.substr(0, end)));
      input.text_.erase(0, end + 1);
    }
    return 0;
  }

  sd_event* event_;
  EmulatedNode& node_;
  std::string text_;
  EventSourcePtr source_;
};

int run(Options options) {
  std::unique_ptr<PrivateBus> own_bus;
  if (options.bus.empty()) {
    own_bus = std::make_unique<PrivateBus>();
    options.bus = own_bus->address();
    say("bus " + options.bus);
  }
  // After the bus, which would inherit that the signals are blocked.
  const EventPtr event = new_event_loop();
  for (const int signal : {SIGTERM, SIGINT})
    sd_event_add_signal(event.get(), nullptr, signal | SD_EVENT_SIGNAL_PROCMASK, nullptr, nullptr);
  std::unique_ptr<FakePolkit> polkit;
  if (!options.polkit.empty()) {
    polkit = std::make_unique<FakePolkit>(event.get(), options.bus);
    polkit->answer = options.polkit == "allow"  ? FakePolkit::Answer::allow
                     : options.polkit == "deny" ? FakePolkit::Answer::deny
                                                : FakePolkit::Answer::challenge;
  }
  EmulatedNode node(event.get(), options.bus, options.shape);
  while (!node.settled() && sd_event_get_state(event.get()) != SD_EVENT_FINISHED)
    if (sd_event_run(event.get(), UINT64_MAX) < 0) return EXIT_FAILURE;
  say("ready");
  const CommandInput input(event.get(), node);
  return sd_event_loop(event.get()) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

}  // namespace
}  // namespace nvccd::test

int main(int argc, char** argv) {
  nvccd::test::Options options;
  if (const int status = nvccd::test::parse(argc, argv, options); status >= 0) return status;
  try {
    return nvccd::test::run(std::move(options));
  } catch (const std::exception& exception) {
    spdlog::error("{}", exception.what());
    return EXIT_FAILURE;
  }
}
