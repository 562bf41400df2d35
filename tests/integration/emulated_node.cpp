#include "emulated_node.h"

#include <stdexcept>

namespace nvccd::test {
namespace {

// One finding of each kind, as a real host could have them.
void check(const std::function<void(Findings)>& done) {
  done({
      {.id = "cpu.confidential",
       .result = CheckResult::ok,
       .found = "The processor protects guests with SEV-SNP."},
      {.id = "kernel.iommufd",
       .result = CheckResult::warn,
       .found = "The kernel has no iommufd character devices.",
       .advice = "Use a kernel from 6.6 on, with CONFIG_VFIO_DEVICE_CDEV."},
      {.id = "iommu.groups",
       .result = CheckResult::fail,
       .found = "0000:01:00.0 shares IOMMU group 1 with 0000:01:00.1, which is no NVIDIA device.",
       .advice = "Put the card into another slot, or switch on ACS in the firmware setup."},
      {.id = "tdx.module", .result = CheckResult::skip, .found = "The processor is not from Intel."},
  });
}

}  // namespace

EmulatedNode::EmulatedNode(sd_event* event, const std::string& bus_address, const Shape& shape)
    : settings_file(shape.settings), shape_(shape), pace_(event, *simulation_, shape.speed) {
  for (unsigned n = 0; n < shape_.gpus; ++n)
    host_->plug(gpu(n), shape_.gpu_model, shape_.delays, shape_.driver);
  for (unsigned n = 0; n < shape_.switches; ++n)
    host_->plug(nvswitch(n), emulator::Model::ls10, shape_.delays, shape_.driver);
  manager_ = std::make_unique<NodeManager>(
      NodeManager::Parts{.scheduler = simulation_.get(),
                         .host = {.devices = host_, .clock = simulation_},
                         .store = NodeModeStore(directory_.path(), directory_.path() / "run"),
                         .host_confidential = HostConfidential::sev_snp,
                         .load_settings = [this] { return load_settings(); }},
      shape_.settings, NodeModes{});
  host_->on_vfio_node = [this](const std::string& node, bool opened) {
    opened ? manager_->vfio_node_opened(node) : manager_->vfio_node_closed(node);
  };
  auto service = BusService::create(event, bus_address, *manager_, check);
  if (!service) throw std::runtime_error(service.error().message());
  service_ = *std::move(service);
  manager_->start([this] { settled_ = true; });
}

EmulatedNode::~EmulatedNode() {
  host_->on_vfio_node = [](const std::string&, bool) {};
  service_.reset();
  manager_.reset();
  simulation_->run();  // workers that are in the middle of a change still use the host
}

void EmulatedNode::plug(const PciAddress& address, emulator::Model model) {
  host_->plug(address, model, shape_.delays, shape_.driver);
  manager_->device_appeared(address);
}

void EmulatedNode::unplug(const PciAddress& address) {
  host_->unplug(address);
  manager_->device_gone(address);
}

Result<LoadedSettings> EmulatedNode::load_settings() const {
  if (settings_file) return LoadedSettings{*settings_file, {}};
  return std::unexpected(Error{.kind = ErrorKind::invalid_config,
                               .cause = "/etc/nvccd/nvccd.toml:3:7: mode.default: \"sideways\" is no mode",
                               .advice = "use \"on\", \"off\" or \"devtools\""});
}

}  // namespace nvccd::test
