#include "kubernetes/device-plugin/registration.h"

#include <fmt/format.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <chrono>
#include <utility>

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

Registration::Registration(const std::filesystem::path& kubelet_dir, std::string socket, std::string resource)
    : kubelet_socket_(kubelet_dir / kubelet_socket_name),
      socket_(std::move(socket)),
      resource_(std::move(resource)) {}

Result<> Registration::run() {
  v1beta1::RegisterRequest request;
  request.set_version(api_version);
  request.set_endpoint(socket_);
  request.set_resource_name(resource_);
  *request.mutable_options() = plugin_options();

  context_.set_deadline(std::chrono::system_clock::now() + answer_limit);
  v1beta1::Empty answer;
  const grpc::Status status =
      v1beta1::Registration::NewStub(connect(kubelet_socket_))->Register(&context_, request, &answer);
  if (status.ok()) return {};
  return std::unexpected(
      Error{.cause = fmt::format("the kubelet did not register {}: {}", resource_, status.error_message())});
}

}  // namespace nvccd::kubernetes
