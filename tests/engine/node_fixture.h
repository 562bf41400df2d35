// A node of emulated devices with the engine on it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>

#include "daemon/engine/node_manager.h"
#include "emulated_host.h"
#include "simulation.h"
#include "tests/support/temporary_directory.h"

namespace nvccd::test {

inline PciAddress slot(unsigned n) {
  return PciAddress{.bus = static_cast<std::uint8_t>(n + 1)};
}

// What the hardware of a device says when the node is in a mode: a switch takes part in ppcie only.
inline std::string expected_mode(emulator::Model model, Mode node_mode) {
  if (model == emulator::Model::ls10 && node_mode != Mode::ppcie) return "off";
  return std::string(to_string(node_mode));
}

// Remembers what an observer of the manager is told of jobs, which are gone when they have ended.
class JobLog final : public ManagerObserver {
 public:
  explicit JobLog(Manager& manager) : manager_(manager) {}
  void job_changed(JobId id) override { jobs[id] = manager_.jobs().at(id); }
  std::map<JobId, JobSnapshot> jobs;

 private:
  Manager& manager_;
};

class Node {
 public:
  Node() : Node(std::make_unique<TemporaryDirectory>()) {}

  // With the files that an earlier node has left there.
  explicit Node(const std::filesystem::path& kept) : files(kept) {
    settings.mode.require_confidential_host = false;
    settings.mode.default_mode = Mode::off;
    settings.transition.boot_timeout = std::chrono::seconds(10);
  }

  static constexpr emulator::Delays delays = {.reply = std::chrono::microseconds(200),
                                              .reset = std::chrono::milliseconds(20),
                                              .boot = std::chrono::milliseconds(40)};

  void plug(unsigned n, emulator::Model model) {
    host->plug(slot(n), model, delays, "vfio-pci");
    if (manager) manager->device_appeared(slot(n));
  }

  // A new daemon, as after a start: it knows only what the files and the hardware say.
  void start_daemon() {
    stop_daemon();
    const NodeModeStore store(files, files / "run");
    manager = std::make_unique<NodeManager>(
        NodeManager::Parts{
            .scheduler = simulation.get(),
            .host = {.devices = host, .clock = clock},
            .store = store,
            .load_settings = [this] { return Result<LoadedSettings>(LoadedSettings{settings, {}}); },
            .warn = [this](const std::string& text) { warnings.push_back(text); }},
        settings, store.load().value());
    jobs = std::make_unique<JobLog>(*manager);
    manager->add_observer(*jobs);
    host->on_vfio_node = [this](const std::string& node, bool opened) {
      if (!manager) return;
      opened ? manager->vfio_node_opened(node) : manager->vfio_node_closed(node);
    };
    settled = false;
    if (on_daemon) on_daemon();
    manager->start([this] { settled = true; });
  }

  // With so many GPUs, which it has switched on.
  void start_on(unsigned count) {
    settings.mode.default_mode = Mode::on;
    for (unsigned n = 0; n < count; ++n)
      plug(n, emulator::Model::gh100);
    start_daemon();
    run();
    ASSERT_TRUE(manager->node().ready);
  }

  void stop_daemon() {
    manager.reset();
    jobs.reset();
  }

  // Until nothing happens any more.
  void run() { simulation->run(); }

  JobSnapshot set_mode(Mode mode, const ModeOptions& options = {}) {
    const auto id = manager->set_mode(mode, options);
    EXPECT_TRUE(id) << id.error().message();
    run();
    return jobs->jobs[id.value_or(0)];
  }

  // The power of a device is cut; it has booted again before anybody looks at it.
  void cut_power(unsigned n) {
    hardware(n).reset(emulator::ResetKind::power);
    simulation->pass(delays.reset + delays.boot);
  }

  const DeviceSnapshot& device(unsigned n) const { return manager->devices().at(slot(n)); }
  emulator::Device& hardware(unsigned n) { return host->hardware(slot(n)); }
  std::uint64_t resets(unsigned n) { return hardware(n).counters().function_level_resets; }

  std::unique_ptr<TemporaryDirectory> directory;  // its own, or none
  std::filesystem::path files;
  std::shared_ptr<Simulation> simulation = std::make_shared<Simulation>();
  std::shared_ptr<EmulatedHost> host = std::make_shared<EmulatedHost>(*simulation, *simulation, *simulation);
  std::shared_ptr<Clock> clock = simulation;
  Settings settings;
  std::unique_ptr<NodeManager> manager;
  std::unique_ptr<JobLog> jobs;
  std::vector<std::string> warnings;
  bool settled = false;
  std::function<void()> on_daemon;  // called when there is a new one, before it looks at anything

 private:
  explicit Node(std::unique_ptr<TemporaryDirectory> own) : Node(own->path()) { directory = std::move(own); }
};

}  // namespace nvccd::test
