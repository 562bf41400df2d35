// As much of a kubelet as a device plugin sees: its socket, its registry, and the calls it makes.
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "kubernetes/device-plugin/api.h"

namespace nvccd::test {

// What a plugin said of one of its devices.
struct ListedDevice {
  bool healthy = false;
  std::vector<long> numa_nodes = {};
  bool operator==(const ListedDevice&) const = default;
};
using DeviceMap = std::map<std::string, ListedDevice>;

struct Resource {
  std::string endpoint;
  int registrations = 0;
  bool wants_preferred_allocation = false;
  bool wants_pre_start = false;
  bool connected = false;            // its list is being followed
  std::optional<DeviceMap> devices;  // as listed last, by the registration that is in force
  std::vector<DeviceMap> history;    // every list of all registrations
};

class TestKubelet {
 public:
  explicit TestKubelet(std::filesystem::path directory);
  ~TestKubelet();

  enum class Sockets { wipe, keep };
  // Removes the plugins' sockets as a real one does when it starts, then listens.
  void start(Sockets sockets = Sockets::wipe);
  // Its socket goes too, unless it crashes.
  void stop();
  void crash();
  void restart() {
    stop();
    start();
  }
  // The next registrations are refused.
  void refuse(int count);

  // Waits until the condition holds for what is known of the resource. False when it does not in time.
  using Condition = std::function<bool(const Resource&)>;
  bool wait_for(const std::string& resource, const Condition& condition);
  Resource resource(const std::string& name);
  std::vector<std::string> resource_names();

  grpc::Status allocate(const std::string& resource, const std::vector<std::vector<std::string>>& ids,
                        v1beta1::AllocateResponse& response);
  grpc::Status prefer(const std::string& resource, const v1beta1::PreferredAllocationRequest& request,
                      v1beta1::PreferredAllocationResponse& response);
  grpc::Status options(const std::string& resource, v1beta1::DevicePluginOptions& response);
  grpc::Status pre_start(const std::string& resource);

 private:
  class Registry;
  struct Follower;
  grpc::Status accept(const v1beta1::RegisterRequest& request);
  void follow(Follower& follower, const std::string& resource);
  std::unique_ptr<v1beta1::DevicePlugin::Stub> connect(const std::string& resource);
  void end_followers();

  std::filesystem::path directory_;
  std::unique_ptr<Registry> registry_;
  std::unique_ptr<grpc::Server> server_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Resource> resources_;
  std::vector<std::unique_ptr<Follower>> followers_;
  int to_refuse_ = 0;
};

}  // namespace nvccd::test
