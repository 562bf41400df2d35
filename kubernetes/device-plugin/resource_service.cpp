#include "kubernetes/device-plugin/resource_service.h"

#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "kubernetes/device-plugin/allocation.h"

namespace nvccd::kubernetes {
namespace {

v1beta1::ListAndWatchResponse to_response(const Units& units) {
  v1beta1::ListAndWatchResponse response;
  for (const Unit& unit : units) {
    auto* device = response.add_devices();
    device->set_id(unit.id);
    device->set_health(unit.healthy() ? "Healthy" : "Unhealthy");
    for (const int node : unit.numa_nodes)
      device->mutable_topology()->add_nodes()->set_id(node);
  }
  return response;
}

template <typename Repeated>
Ids to_ids(const Repeated& repeated) {
  return Ids(repeated.begin(), repeated.end());
}

}  // namespace

v1beta1::DevicePluginOptions plugin_options() {
  v1beta1::DevicePluginOptions options;
  options.set_pre_start_required(false);
  options.set_get_preferred_allocation_available(true);
  return options;
}

ResourceService::ResourceService(std::string resource, DeviceList& list, ReadFiles read)
    : resource_(std::move(resource)), list_(list), read_(std::move(read)) {}

grpc::Status ResourceService::GetDevicePluginOptions(grpc::ServerContext*, const v1beta1::Empty*,
                                                     v1beta1::DevicePluginOptions* response) {
  *response = plugin_options();
  return grpc::Status::OK;
}

grpc::Status ResourceService::ListAndWatch(grpc::ServerContext*, const v1beta1::Empty*,
                                           grpc::ServerWriter<v1beta1::ListAndWatchResponse>* writer) {
  DeviceList::Follower follower(list_);
  while (const SharedUnits units = follower.next())
    if (!writer->Write(to_response(*units))) break;
  return grpc::Status::OK;
}

grpc::Status ResourceService::GetPreferredAllocation(grpc::ServerContext*,
                                                     const v1beta1::PreferredAllocationRequest* request,
                                                     v1beta1::PreferredAllocationResponse* response) {
  const SharedUnits units = list_.units();
  for (const auto& container : request->container_requests()) {
    if (container.allocation_size() < 0)
      return {grpc::StatusCode::INVALID_ARGUMENT, "allocation_size is negative"};
    const auto chosen = prefer(*units, {.available = to_ids(container.available_deviceids()),
                                        .must_include = to_ids(container.must_include_deviceids()),
                                        .size = static_cast<std::size_t>(container.allocation_size())});
    if (!chosen) return {grpc::StatusCode::INVALID_ARGUMENT, chosen.error().reason};
    auto* ids = response->add_container_responses()->mutable_deviceids();
    ids->Assign(chosen->begin(), chosen->end());
  }
  return grpc::Status::OK;
}

grpc::Status ResourceService::Allocate(grpc::ServerContext*, const v1beta1::AllocateRequest* request,
                                       v1beta1::AllocateResponse* response) {
  const auto refused = [&](const std::string& reason) -> grpc::Status {
    spdlog::warn("{} was not given to a pod: {}", resource_, reason);
    return {grpc::StatusCode::FAILED_PRECONDITION, reason};
  };
  // Not what was published last: this moment counts.
  const auto advertisement = read_();
  if (!advertisement) return refused(advertisement.error().message());
  std::vector<Ids> requests;
  for (const auto& container : request->container_requests())
    requests.push_back(to_ids(container.devices_ids()));
  const auto answers = allocate(*advertisement, resource_, requests);
  if (!answers) return refused(answers.error().reason);

  for (const auto& nodes : *answers) {
    auto* container = response->add_container_responses();
    for (const std::string& node : nodes) {
      auto* device = container->add_devices();
      device->set_container_path(node);
      device->set_host_path(node);
      device->set_permissions("mrw");
    }
  }
  for (const Ids& ids : requests)
    spdlog::info("{} given to a container: {}", resource_, fmt::join(ids, " "));
  return grpc::Status::OK;
}

grpc::Status ResourceService::PreStartContainer(grpc::ServerContext*,
                                                const v1beta1::PreStartContainerRequest*,
                                                v1beta1::PreStartContainerResponse*) {
  return grpc::Status::OK;
}

}  // namespace nvccd::kubernetes
