// A node whose nvccd is told what to say, and the device plugin as a process on it.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/formats/state_file.h"
#include "tests/support/temporary_directory.h"

namespace nvccd::test {

class TestNode {
 public:
  TestNode();

  std::filesystem::path path(const std::string& name) const { return directory_.path() / name; }
  std::filesystem::path kubelet_dir() const { return path("kubelet"); }
  std::filesystem::path state_file() const { return path("nvccd/state.json"); }
  std::filesystem::path withdraw_file() const { return path("nvccd-kubernetes/withdrawn"); }

  // A device that is ready, in the mode `off`, in an IOMMU group of its own, on NUMA node 0.
  DeviceSnapshot& add_gpu(const std::string& address);
  DeviceSnapshot& add_switch(const std::string& address);
  DeviceSnapshot& device(const std::string& address);
  void remove(const std::string& address);
  void set_mode(Mode mode);  // of all devices
  ResourceAliases& aliases() { return aliases_; }
  const std::map<PciAddress, DeviceSnapshot>& devices() const { return devices_; }

  std::string state_text() const;
  // What nvccd does at every change.
  void publish();
  // What it does when it stops.
  void withdraw_state();

 private:
  DeviceSnapshot& add(const std::string& address, DeviceKind kind);

  TemporaryDirectory directory_;
  NodeState node_;
  std::map<PciAddress, DeviceSnapshot> devices_;
  ResourceAliases aliases_;
  int next_group_ = 10;
};

class PluginProcess {
 public:
  // `wrapper` is a command that starts the one behind it, in its own place.
  explicit PluginProcess(const TestNode& node, const std::vector<std::string>& wrapper = {});
  ~PluginProcess();  // kills it if it still runs
  PluginProcess(const PluginProcess&) = delete;
  PluginProcess& operator=(const PluginProcess&) = delete;

  // Asks it to end; its exit status, or -1 when it was killed.
  int stop();
  void kill();
  // Waits for it to end by itself; its exit status.
  int wait();
  std::string log() const;

 private:
  std::filesystem::path log_;
  pid_t pid_ = -1;
};

}  // namespace nvccd::test
