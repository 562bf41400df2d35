// The whole daemon but the kernel: the real engine on emulated devices, served on a bus. Everything runs on
// one event loop, in simulated time.
#pragma once

#include <memory>
#include <string>

#include "daemon/bus/bus_service.h"
#include "daemon/engine/node_manager.h"
#include "paced_simulation.h"
#include "tests/engine/emulated_host.h"
#include "tests/engine/simulation.h"
#include "tests/support/temporary_directory.h"

namespace nvccd::test {

class EmulatedNode {
 public:
  struct Shape {
    unsigned gpus = 4;
    unsigned switches = 2;
    emulator::Model gpu_model = emulator::Model::gh100;
    std::string driver = "vfio-pci";  // of every device at the start; "" for none
    emulator::Delays delays = {.reply = std::chrono::microseconds(200),
                               .reset = std::chrono::milliseconds(120),
                               .boot = std::chrono::milliseconds(1600)};
    Settings settings = {};
    double speed = 1000;  // see PacedSimulation
  };

  // Serves at once; settled() after the first look, as a daemon before it says READY. Throws
  // std::runtime_error if the bus cannot be served.
  EmulatedNode(sd_event* event, const std::string& bus_address, const Shape& shape);
  ~EmulatedNode();
  EmulatedNode(const EmulatedNode&) = delete;
  EmulatedNode& operator=(const EmulatedNode&) = delete;

  bool settled() const { return settled_; }
  NodeManager& manager() { return *manager_; }

  static PciAddress gpu(unsigned n) { return PciAddress{.bus = static_cast<std::uint8_t>(n + 1)}; }
  static PciAddress nvswitch(unsigned n) { return PciAddress{.bus = static_cast<std::uint8_t>(0x81 + n)}; }

  // ---- what happens to the node ----
  emulator::Device& hardware(const PciAddress& address) { return host_->hardware(address); }
  // A VM takes the device, or lets go of it. False: somebody else has it, or no VM.
  bool hold(const PciAddress& address) { return host_->take_for_vm(address); }
  bool release(const PciAddress& address) { return host_->release_from_vm(address); }
  bool present(const PciAddress& address) { return host_->facts(address).has_value(); }
  void plug(const PciAddress& address, emulator::Model model);
  void unplug(const PciAddress& address);

  // Simulated time.
  void set_speed(double speed) { pace_.set_speed(speed); }
  void pass(Duration time) { simulation_->pass(time); }

  // The settings that a reload finds; nullopt: a file that is wrong at line 3, column 7.
  std::optional<Settings> settings_file;

 private:
  Result<LoadedSettings> load_settings() const;

  TemporaryDirectory directory_;
  Shape shape_;
  std::shared_ptr<Simulation> simulation_ = std::make_shared<Simulation>();
  std::shared_ptr<EmulatedHost> host_ =
      std::make_shared<EmulatedHost>(*simulation_, *simulation_, *simulation_);
  std::unique_ptr<NodeManager> manager_;
  std::unique_ptr<BusService> service_;
  bool settled_ = false;
  PacedSimulation pace_;
};

}  // namespace nvccd::test
