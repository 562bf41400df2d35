#include "test_kubelet.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <stdexcept>

#include "common/base/fd.h"

namespace nvccd::test {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 20s;

std::shared_ptr<grpc::Channel> open_channel(const std::filesystem::path& socket) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel("unix:" + socket.string(), grpc::InsecureChannelCredentials(), arguments);
}

DeviceMap to_devices(const v1beta1::ListAndWatchResponse& response) {
  DeviceMap devices;
  for (const auto& listed : response.devices()) {
    ListedDevice device{.healthy = listed.health() == "Healthy"};
    if (!device.healthy && listed.health() != "Unhealthy")
      throw std::runtime_error("health " + listed.health());
    for (const auto& node : listed.topology().nodes())
      device.numa_nodes.push_back(node.id());
    if (!devices.emplace(listed.id(), device).second)
      throw std::runtime_error(listed.id() + " is listed twice");
  }
  return devices;
}

}  // namespace

class TestKubelet::Registry final : public v1beta1::Registration::Service {
 public:
  explicit Registry(TestKubelet& kubelet) : kubelet_(kubelet) {}

 private:
  grpc::Status Register(grpc::ServerContext*, const v1beta1::RegisterRequest* request,
                        v1beta1::Empty*) override {
    return kubelet_.accept(*request);
  }
  TestKubelet& kubelet_;
};

// One ListAndWatch.
struct TestKubelet::Follower {
  std::unique_ptr<v1beta1::DevicePlugin::Stub> stub;
  grpc::ClientContext context;
  std::string resource;
  bool in_force = true;
  std::thread thread;
};

TestKubelet::TestKubelet(std::filesystem::path directory) : directory_(std::move(directory)) {}

TestKubelet::~TestKubelet() {
  stop();
}

void TestKubelet::start(Sockets sockets) {
  if (sockets == Sockets::wipe)
    for (const auto& entry : std::filesystem::directory_iterator(directory_))
      if (entry.is_socket()) std::filesystem::remove(entry.path());
  registry_ = std::make_unique<Registry>(*this);
  grpc::ServerBuilder builder;
  builder.AddListeningPort("unix:" + (directory_ / "kubelet.sock").string(),
                           grpc::InsecureServerCredentials());
  builder.RegisterService(registry_.get());
  server_ = builder.BuildAndStart();
  if (!server_) throw std::runtime_error("the kubelet of the test cannot listen");
}

void TestKubelet::stop() {
  if (server_) server_->Shutdown(std::chrono::system_clock::now());
  server_.reset();
  end_followers();
}

void TestKubelet::crash() {
  stop();
  // What is left behind: a socket on which nobody listens.
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (directory_ / "kubelet.sock").string().copy(address.sun_path, sizeof(address.sun_path) - 1);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    throw std::runtime_error("bind");
}

void TestKubelet::refuse(int count) {
  const std::lock_guard lock(mutex_);
  to_refuse_ = count;
}

grpc::Status TestKubelet::accept(const v1beta1::RegisterRequest& request) {
  const std::lock_guard lock(mutex_);
  if (to_refuse_ > 0) {
    --to_refuse_;
    return {grpc::StatusCode::UNKNOWN, "not now"};
  }
  if (request.version() != "v1beta1") return {grpc::StatusCode::UNKNOWN, "unsupported version"};
  if (request.endpoint().find('/') != std::string::npos)
    return {grpc::StatusCode::UNKNOWN, "not a base name"};
  for (const auto& follower : followers_)
    if (follower->resource == request.resource_name()) follower->in_force = false;
  Resource& resource = resources_[request.resource_name()];
  resource.endpoint = request.endpoint();
  resource.wants_preferred_allocation = request.options().get_preferred_allocation_available();
  resource.wants_pre_start = request.options().pre_start_required();
  resource.devices.reset();
  resource.connected = true;
  resource.registrations++;
  auto follower = std::make_unique<Follower>();
  follower->resource = request.resource_name();
  follower->stub = v1beta1::DevicePlugin::NewStub(open_channel(directory_ / request.endpoint()));
  follower->thread = std::thread(
      [this, follower = follower.get(), name = request.resource_name()] { follow(*follower, name); });
  followers_.push_back(std::move(follower));
  changed_.notify_all();
  return grpc::Status::OK;
}

void TestKubelet::follow(Follower& follower, const std::string& name) {
  const auto reader = follower.stub->ListAndWatch(&follower.context, v1beta1::Empty());
  for (v1beta1::ListAndWatchResponse response; reader->Read(&response);) {
    const std::lock_guard lock(mutex_);
    Resource& resource = resources_[name];
    resource.history.push_back(to_devices(response));
    if (follower.in_force) resource.devices = resource.history.back();
    changed_.notify_all();
  }
  (void)reader->Finish();
  const std::lock_guard lock(mutex_);
  if (follower.in_force) resources_[name].connected = false;
  changed_.notify_all();
}

void TestKubelet::end_followers() {
  for (const auto& follower : followers_) {
    follower->context.TryCancel();
    follower->thread.join();
  }
  followers_.clear();
}

bool TestKubelet::wait_for(const std::string& name, const Condition& condition) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, patience, [&] {
    const auto found = resources_.find(name);
    return condition(found == resources_.end() ? Resource() : found->second);
  });
}

Resource TestKubelet::resource(const std::string& name) {
  const std::lock_guard lock(mutex_);
  return resources_[name];
}

std::vector<std::string> TestKubelet::resource_names() {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, resource] : resources_)
    names.push_back(name);
  return names;
}

std::unique_ptr<v1beta1::DevicePlugin::Stub> TestKubelet::connect(const std::string& name) {
  return v1beta1::DevicePlugin::NewStub(open_channel(directory_ / resource(name).endpoint));
}

grpc::Status TestKubelet::allocate(const std::string& resource,
                                   const std::vector<std::vector<std::string>>& ids,
                                   v1beta1::AllocateResponse& response) {
  v1beta1::AllocateRequest request;
  for (const auto& of_container : ids)
    request.add_container_requests()->mutable_devices_ids()->Assign(of_container.begin(), of_container.end());
  grpc::ClientContext context;
  return connect(resource)->Allocate(&context, request, &response);
}

grpc::Status TestKubelet::prefer(const std::string& resource,
                                 const v1beta1::PreferredAllocationRequest& request,
                                 v1beta1::PreferredAllocationResponse& response) {
  grpc::ClientContext context;
  return connect(resource)->GetPreferredAllocation(&context, request, &response);
}

grpc::Status TestKubelet::options(const std::string& resource, v1beta1::DevicePluginOptions& response) {
  grpc::ClientContext context;
  return connect(resource)->GetDevicePluginOptions(&context, v1beta1::Empty(), &response);
}

grpc::Status TestKubelet::pre_start(const std::string& resource) {
  grpc::ClientContext context;
  v1beta1::PreStartContainerResponse response;
  return connect(resource)->PreStartContainer(&context, v1beta1::PreStartContainerRequest(), &response);
}

}  // namespace nvccd::test
