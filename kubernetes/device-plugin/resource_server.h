// A gRPC server for one resource, on a socket in the kubelet's directory.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>

#include "kubernetes/device-plugin/resource_service.h"

namespace nvccd::kubernetes {

class ResourceServer {
 public:
  // Serves when it returns. A socket that is in the way is replaced, anything else is an error.
  static Result<std::unique_ptr<ResourceServer>> start(const std::string& resource,
                                                       std::filesystem::path socket, Units units,
                                                       ReadFiles read);

  ResourceServer(const ResourceServer&) = delete;
  ResourceServer& operator=(const ResourceServer&) = delete;
  // Followers of the list get what was published last. Then nobody is served any more and the socket is gone.
  ~ResourceServer();

  void publish(Units units) { list_.publish(std::move(units)); }
  // Whether the socket's path leads to this server.
  bool reachable() const;

 private:
  ResourceServer(const std::string& resource, std::filesystem::path socket, Units units, ReadFiles read);

  std::filesystem::path socket_;
  ino_t inode_ = 0;
  DeviceList list_;
  ResourceService service_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace nvccd::kubernetes
