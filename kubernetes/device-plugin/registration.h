// Makes a resource known to the kubelet.
#pragma once

#include <grpcpp/client_context.h>

#include <filesystem>
#include <string>

#include "common/model/error.h"

namespace nvccd::kubernetes {

inline constexpr const char* kubelet_socket_name = "kubelet.sock";

// One attempt to register.
class Registration {
 public:
  // `socket` is the name of the socket that serves the resource, in the kubelet's directory.
  Registration(const std::filesystem::path& kubelet_dir, std::string socket, std::string resource);

  // Blocks until the kubelet answers or closes the connection, a few seconds at most. To be called once.
  Result<> run();
  // Makes run() return, now or when it is called. From any thread.
  void cancel() { context_.TryCancel(); }

 private:
  std::filesystem::path kubelet_socket_;
  std::string socket_;
  std::string resource_;
  grpc::ClientContext context_;
};

}  // namespace nvccd::kubernetes
