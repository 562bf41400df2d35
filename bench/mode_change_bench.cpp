// How long a change of the node's mode takes, beside what one device alone must take and what the present
// manager's order takes. Real threads, real time, emulated devices.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "common/base/event_scheduler.h"
#include "daemon/engine/node_manager.h"
#include "serial_manager.h"
#include "tests/engine/emulated_host.h"
#include "tests/support/temporary_directory.h"

namespace nvccd::bench {
namespace {

using namespace std::chrono_literals;
using emulator::Model;
using Seconds = std::chrono::duration<double>;

constexpr emulator::Delays delays = {.reply = 200us, .reset = 120ms, .boot = 1600ms};
constexpr Seconds device_alone = delays.reset + delays.boot;

struct Fleet {
  unsigned gpus;
  unsigned switches;
};

std::vector<Model> models_of(const Fleet& fleet) {
  std::vector<Model> models(fleet.gpus, Model::gh100);
  models.insert(models.end(), fleet.switches, Model::ls10);
  return models;
}

PciAddress address_of(std::size_t n) {
  return PciAddress{.bus = static_cast<std::uint8_t>(n + 1)};
}

EventPtr new_event_loop() {
  sd_event* event = nullptr;
  if (sd_event_new(&event) < 0) throw std::runtime_error("no event loop");
  return EventPtr(event);
}

class EngineRun final : public ManagerObserver {
 public:
  explicit EngineRun(const Fleet& fleet) {
    host_ = std::make_shared<test::EmulatedHost>(device_clock_, *clock_, *scheduler_);
    const auto models = models_of(fleet);
    for (std::size_t n = 0; n < models.size(); ++n)
      host_->plug(address_of(n), models[n], delays, "vfio-pci");
    Settings settings;
    settings.mode.default_mode = Mode::off;
    manager_ = std::make_unique<NodeManager>(
        NodeManager::Parts{.scheduler = scheduler_.get(),
                           .host = {.devices = host_, .clock = clock_},
                           .store = NodeModeStore(directory_.path(), directory_.path() / "run"),
                           .load_settings = [] { return Result<LoadedSettings>(); }},
        settings, NodeModes{});
    manager_->add_observer(*this);
    manager_->start([this] { done_ = true; });
    run_until_done();
  }

  Seconds change(Mode mode) {
    const auto start = std::chrono::steady_clock::now();
    manager_->set_mode(mode, {}).value();
    run_until_done();
    return std::chrono::steady_clock::now() - start;
  }

  void job_removed(JobId id) override {
    const auto& job = manager_->jobs().at(id);
    if (job.state != JobState::done) fmt::print("  the change failed: {}\n", job.error);
    done_ = true;
  }

 private:
  void run_until_done() {
    while (!done_)
      sd_event_run(event_.get(), UINT64_MAX);
    done_ = false;
  }

  test::TemporaryDirectory directory_;
  emulator::SteadyClock device_clock_;
  std::shared_ptr<Clock> clock_ = std::make_shared<SteadyClock>();
  EventPtr event_ = new_event_loop();
  std::unique_ptr<EventScheduler> scheduler_ = EventScheduler::create(event_.get()).value();
  std::shared_ptr<test::EmulatedHost> host_;
  std::unique_ptr<NodeManager> manager_;
  bool done_ = false;
};

class SerialRun {
 public:
  explicit SerialRun(const Fleet& fleet) {
    const auto models = models_of(fleet);
    for (std::size_t n = 0; n < models.size(); ++n) {
      host_.plug(address_of(n), models[n], delays, "vfio-pci");
      accesses_.push_back(host_.acquire(address_of(n)).value());
      const bool is_gpu = models[n] == Model::gh100;
      devices_.push_back({accesses_.back().get(), is_gpu ? find_gpu_chip(h100) : find_switch_chip(ls10)});
    }
  }

  Seconds change(Mode mode) {
    const auto start = std::chrono::steady_clock::now();
    change_serially(devices_, mode);
    return std::chrono::steady_clock::now() - start;
  }

 private:
  static constexpr std::uint16_t h100 = 0x2330;      // device id
  static constexpr std::uint32_t ls10 = 0x007000a1;  // chip id

  emulator::SteadyClock device_clock_;
  SteadyClock clock_;
  EventPtr event_ = new_event_loop();
  std::unique_ptr<EventScheduler> scheduler_ = EventScheduler::create(event_.get()).value();
  test::EmulatedHost host_{device_clock_, clock_, *scheduler_};
  std::vector<std::unique_ptr<DeviceAccess>> accesses_;
  std::vector<SerialDevice> devices_;
};

void report(const Fleet& fleet, const std::vector<Mode>& modes) {
  EngineRun engine(fleet);
  SerialRun serial(fleet);
  Mode from = Mode::off;
  for (const Mode to : modes) {
    const Seconds ours = engine.change(to);
    const Seconds theirs = serial.change(to);
    fmt::print("{:>4} {:>8}  {:<18} {:>7.3f} s {:>9.3f} {:>12.3f} s {:>7.1f}\n", fleet.gpus, fleet.switches,
               fmt::format("{} -> {}", to_string(from), to_string(to)), ours.count(), ours / device_alone,
               theirs.count(), theirs / ours);
    from = to;
  }
}

}  // namespace
}  // namespace nvccd::bench

int main() {
  using namespace nvccd::bench;
  using nvccd::Mode;
  fmt::print("reply 0.2 ms, reset 120 ms, boot 1.6 s: one device alone needs {:.3f} s for reset and boot\n\n",
             device_alone.count());
  fmt::print("GPUs switches  change                nvccd  of alone  serial order  factor\n");
  for (const unsigned gpus : {1U, 2U, 4U, 8U, 16U})
    report({gpus, 0}, {Mode::on});
  report({8, 4}, {Mode::on, Mode::ppcie, Mode::on, Mode::off});
}
