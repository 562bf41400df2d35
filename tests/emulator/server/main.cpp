// nvccd-emulator: emulated NVIDIA devices for QEMU's vfio-user-pci, one socket each, and a control socket.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <nlohmann/json.hpp>

#include "control.h"
#include "control_client.h"
#include "control_socket.h"
#include "event_log.h"
#include "node.h"
#include "node_description.h"

namespace emulator::server {
namespace {

struct Options {
  std::filesystem::path directory;
  std::vector<std::string> gpus;
  std::vector<std::string> nvswitches;
  std::string node_file;
  unsigned reply_us = 0;
  unsigned reset_ms = 0;
  unsigned boot_ms = 0;
  std::string request;  // of "ctl"
};

std::expected<std::vector<DeviceDescription>, std::string> devices_of(const Options& options) {
  if (options.node_file.empty()) return name_devices(options.gpus, options.nvswitches);
  std::ifstream file(options.node_file);
  if (!file) return std::unexpected(fmt::format("cannot read {}", options.node_file));
  auto devices = parse_node(nlohmann::json::parse(file, nullptr, false));
  if (!devices) return std::unexpected(fmt::format("{}: {}", options.node_file, devices.error()));
  return devices;
}

// The directory, made if need be and locked: a second server in it would steal the sockets of the first.
std::expected<nvccd::UniqueFd, std::string> take_directory(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return std::unexpected(fmt::format("make {}: {}", directory.string(), error.message()));
  nvccd::UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return std::unexpected(fmt::format("open {}: {}", directory.string(), std::strerror(errno)));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    return std::unexpected(
        fmt::format("another nvccd-emulator serves {}: end it or use another directory", directory.string()));
  }
  return fd;
}

std::expected<void, std::string> serve(const Options& options) {
  const auto devices = devices_of(options);
  if (!devices) return std::unexpected(devices.error());
  const auto lock = take_directory(options.directory);
  if (!lock) return std::unexpected(lock.error());

  SteadyClock clock;
  auto log = EventLog::open(options.directory / "events.jsonl", clock);
  if (!log) return std::unexpected(log.error());

  vfio_user::EventLoop loop;
  loop.exit_on_signals({SIGINT, SIGTERM});
  Node node(loop, clock, *log, options.directory,
            {.reply = std::chrono::microseconds(options.reply_us),
             .reset = std::chrono::milliseconds(options.reset_ms),
             .boot = std::chrono::milliseconds(options.boot_ms)});
  log->write("", "started");
  for (const DeviceDescription& device : *devices) {
    if (auto added = node.add(device); !added) return added;
  }
  const auto control =
      ControlSocket::open(loop, options.directory / "control.sock",
                          [&node](const std::string& line) { return handle_control(node, line); });
  if (!control) return std::unexpected(control.error());

  // Whoever started the program may connect from here on.
  fmt::print("serving {} devices in {}\n", devices->size(), options.directory.string());
  std::fflush(stdout);
  loop.run();
  log->write("", "stopped");
  return {};
}

// Whether the answer says so.
std::expected<bool, std::string> control(const Options& options) {
  const auto answer = ask(options.directory / "control.sock", options.request);
  if (!answer) return std::unexpected(answer.error());
  fmt::print("{}\n", *answer);
  const auto document = nlohmann::json::parse(*answer, nullptr, false);
  return document.is_object() && document.value("ok", false);
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("Emulated NVIDIA devices for QEMU's vfio-user-pci");
  app.add_option("--dir", options.directory, "directory of the sockets and of the event log")->required();
  app.add_option("--gpu", options.gpus, "models of the GPUs gpu0, gpu1, ...: gh100, gb100, gb102, gb202");
  app.add_option("--nvswitch", options.nvswitches, "models of the NVSwitches sw0, sw1, ...: ls10");
  app.add_option("--node", options.node_file,
                 "JSON file instead: {\"devices\": [{\"name\", \"model\", \"device_id\", \"bar1_mib\"}]}")
      ->excludes("--gpu")
      ->excludes("--nvswitch");
  app.add_option("--reply-us", options.reply_us, "time from a command to the reply, microseconds");
  app.add_option("--reset-ms", options.reset_ms, "time from a reset to the first answer, milliseconds");
  app.add_option("--boot-ms", options.boot_ms, "time from there to boot complete, milliseconds");
  CLI::App* ctl = app.add_subcommand("ctl", "send one request to a running server and print its answer");
  ctl->add_option("request", options.request, "a JSON object, see tests/emulator/server/control.h")
      ->required();
  ctl->fallthrough();
  CLI11_PARSE(app, argc, argv);

  if (ctl->parsed()) {
    const auto ok = control(options);
    if (ok) return *ok ? 0 : 1;
    fmt::print(stderr, "nvccd-emulator: {}\n", ok.error());
    return 1;
  }
  const auto served = serve(options);
  if (served) return 0;
  fmt::print(stderr, "nvccd-emulator: {}\n", served.error());
  return 1;
}

}  // namespace
}  // namespace emulator::server

int main(int argc, char** argv) {
  try {
    return emulator::server::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "nvccd-emulator: {}\n", error.what());
    return 1;
  }
}
