// The calls of the kubelet for one resource. They run in threads of gRPC.
#pragma once

#include <functional>
#include <string>

#include "kubernetes/device-plugin/api.h"
#include "kubernetes/device-plugin/device_list.h"

namespace nvccd::kubernetes {

// What is advertised at this moment. Called from any thread.
using ReadFiles = std::function<Result<Advertisement>()>;

class ResourceService final : public v1beta1::DevicePlugin::Service {
 public:
  // `list` outlives the service.
  ResourceService(std::string resource, DeviceList& list, ReadFiles read);

 private:
  grpc::Status GetDevicePluginOptions(grpc::ServerContext* context, const v1beta1::Empty* request,
                                      v1beta1::DevicePluginOptions* response) override;
  grpc::Status ListAndWatch(grpc::ServerContext* context, const v1beta1::Empty* request,
                            grpc::ServerWriter<v1beta1::ListAndWatchResponse>* writer) override;
  grpc::Status GetPreferredAllocation(grpc::ServerContext* context,
                                      const v1beta1::PreferredAllocationRequest* request,
                                      v1beta1::PreferredAllocationResponse* response) override;
  grpc::Status Allocate(grpc::ServerContext* context, const v1beta1::AllocateRequest* request,
                        v1beta1::AllocateResponse* response) override;
  grpc::Status PreStartContainer(grpc::ServerContext* context,
                                 const v1beta1::PreStartContainerRequest* request,
                                 v1beta1::PreStartContainerResponse* response) override;

  std::string resource_;
  DeviceList& list_;
  ReadFiles read_;
};

// What a plugin says of itself, at registration and when asked.
v1beta1::DevicePluginOptions plugin_options();

}  // namespace nvccd::kubernetes
