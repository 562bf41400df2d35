#include "kubernetes/device-plugin/registration.h"

#include <fmt/format.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <chrono>

#include "kubernetes/device-plugin/api.h"
#include "kubernetes/device-plugin/resource_service.h"

namespace nvccd::kubernetes {
namespace {

using namespace std::chrono_literals;

constexpr auto answer_limit = 5s;
constexpr auto api_version = "v1beta1";

std::shared_ptr<grpc::Channel> connect(const std::filesystem::path& socket) {
  grpc::ChannelArguments arguments;
  // Nothing is remembered of an attempt that failed: each is of a kubelet that may have just come.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_CHANNELZ, 0);
  return grpc::CreateCustomChannel("unix:" + socket.string(), grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

Result<> register_with_kubelet(const std::filesystem::path& kubelet_dir, const std::string& socket,
                               const std::string& resource) {
  v1beta1::RegisterRequest request;
  request.set_version(api_version);
  request.set_endpoint(socket);
  request.set_resource_name(resource);
  *request.mutable_options() = plugin_options();

  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + answer_limit);
  v1beta1::Empty answer;
  const auto kubelet = v1beta1::Registration::NewStub(connect(kubelet_dir / kubelet_socket_name));
  const grpc::Status status = kubelet->Register(&context, request, &answer);
  if (status.ok()) return {};
  return std::unexpected(
      Error{.cause = fmt::format("the kubelet did not register {}: {}", resource, status.error_message())});
}

}  // namespace nvccd::kubernetes
