#include "kubernetes/device-plugin/resource_server.h"

#include <fmt/format.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <chrono>
#include <limits>
#include <utility>

namespace nvccd::kubernetes {
namespace {

using namespace std::chrono_literals;

// The last list is on its way within a moment, or the kubelet does not read it.
constexpr auto patience_with_calls = 500ms;
// All IDs of a host with a thousand devices.
constexpr int max_request_bytes = 256 * 1024;

// Inode of the socket at the path; 0 when there is none.
ino_t socket_inode(const std::filesystem::path& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode) ? status.st_ino : 0;
}

bool something_else_at(const std::filesystem::path& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 && !S_ISSOCK(status.st_mode);
}

std::unique_ptr<grpc::Server> build(const std::filesystem::path& socket, ResourceService& service) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("unix:" + socket.string(), grpc::InsecureServerCredentials());
  builder.RegisterService(&service);
  builder.SetMaxReceiveMessageSize(max_request_bytes);
  // One thread that waits for calls, without looking at the clock while there are none.
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::CQ_TIMEOUT_MSEC, std::numeric_limits<int>::max());
  builder.AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ, 0);
  return builder.BuildAndStart();
}

}  // namespace

ResourceServer::ResourceServer(const std::string& resource, std::filesystem::path socket, Units units,
                               ReadFiles read)
    : socket_(std::move(socket)), list_(std::move(units)), service_(resource, list_, std::move(read)) {}

Result<std::unique_ptr<ResourceServer>> ResourceServer::start(const std::string& resource,
                                                              std::filesystem::path socket, Units units,
                                                              ReadFiles read) {
  const auto failed = [&](std::string_view why) {
    return std::unexpected(
        Error{.cause = fmt::format("cannot serve {} on {}: {}", resource, socket.string(), why)});
  };
  if (socket.native().size() >= sizeof(sockaddr_un::sun_path))
    return failed(
        "the path is too long for a socket; give the resource a shorter alias in the settings of nvccd");
  if (something_else_at(socket)) return failed("something that is no socket is in the way; remove it");
  std::unique_ptr<ResourceServer> self(
      new ResourceServer(resource, socket, std::move(units), std::move(read)));
  self->server_ = build(socket, self->service_);
  if (!self->server_)
    return failed("the socket cannot be created; the message of gRPC before this one says why");
  self->inode_ = socket_inode(socket);
  if (self->inode_ == 0) return failed("somebody removed the socket");
  return self;
}

ResourceServer::~ResourceServer() {
  list_.close();
  if (server_) server_->Shutdown(std::chrono::system_clock::now() + patience_with_calls);
}

bool ResourceServer::reachable() const {
  return socket_inode(socket_) == inode_;
}

}  // namespace nvccd::kubernetes
