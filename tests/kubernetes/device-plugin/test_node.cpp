#include "test_node.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "common/base/atomic_file.h"

namespace nvccd::test {

TestNode::TestNode() {
  for (const auto& directory : {kubelet_dir(), state_file().parent_path(), withdraw_file().parent_path()})
    std::filesystem::create_directory(directory);
}

DeviceSnapshot& TestNode::add(const std::string& address, DeviceKind kind) {
  const PciAddress parsed = PciAddress::parse(address).value();
  const int group = next_group_++;
  return devices_[parsed] = {
             .address = parsed,
             .kind = kind,
             .vendor_id = 0x10de,
             .device_id = static_cast<std::uint16_t>(kind == DeviceKind::gpu ? 0x2330 : 0x22a3),
             .name = kind == DeviceKind::gpu ? "GH100 [H100 SXM5 80GB]" : "GH100 [H100 NVSwitch]",
             .supported_modes = {Mode::off, Mode::on, Mode::devtools, Mode::ppcie},
             .driver = "vfio-pci",
             .iommu_group = group,
             .vfio_group = fmt::format("/dev/vfio/{}", group),
             .vfio_device = fmt::format("/dev/vfio/devices/vfio{}", group),
             .numa_node = 0,
             .mode = Mode::off,
             .requested_mode = Mode::off,
             .state = DeviceState::ready,
             .error = {}};
}

DeviceSnapshot& TestNode::add_gpu(const std::string& address) {
  return add(address, DeviceKind::gpu);
}

DeviceSnapshot& TestNode::add_switch(const std::string& address) {
  return add(address, DeviceKind::nvswitch);
}

DeviceSnapshot& TestNode::device(const std::string& address) {
  return devices_.at(PciAddress::parse(address).value());
}

void TestNode::remove(const std::string& address) {
  devices_.erase(PciAddress::parse(address).value());
}

void TestNode::set_mode(Mode mode) {
  node_.node_mode = node_.requested_mode = mode;
  node_.mode_state = to_mode_state(mode);
  for (auto& [address, device] : devices_)
    device.mode = device.requested_mode = mode;
}

std::string TestNode::state_text() const {
  return nvccd::state_text(state_document(node_, devices_, aliases_, "test", {}));
}

void TestNode::publish() {
  ++node_.generation;
  if (const auto written = write_file_atomically(state_file(), state_text(), 0644); !written)
    throw std::runtime_error(written.error().message());
}

void TestNode::withdraw_state() {
  std::filesystem::remove_all(state_file());
}

PluginProcess::PluginProcess(const TestNode& node, const std::vector<std::string>& wrapper)
    : log_(node.path("plugin.log")) {
  std::vector<std::string> command = wrapper;
  for (const std::string& argument :
       {std::string(NVCCD_DEVICE_PLUGIN), std::string("--state-file"), node.state_file().string(),
        std::string("--kubelet-dir"), node.kubelet_dir().string(), std::string("--withdraw-file"),
        node.withdraw_file().string()})
    command.push_back(argument);
  std::vector<char*> arguments;
  for (std::string& argument : command)
    arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log_.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                   0644);
  const int error = ::posix_spawnp(&pid_, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error("the plugin cannot be started");
}

PluginProcess::~PluginProcess() {
  if (pid_ > 0) kill();
}

int PluginProcess::stop() {
  ::kill(pid_, SIGTERM);
  return wait();
}

void PluginProcess::kill() {
  ::kill(pid_, SIGKILL);
  (void)wait();
}

int PluginProcess::wait() {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string PluginProcess::log() const {
  std::ifstream file(log_);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace nvccd::test
