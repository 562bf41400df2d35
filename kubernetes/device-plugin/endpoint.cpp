#include "kubernetes/device-plugin/endpoint.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <utility>

#include "kubernetes/device-plugin/socket_name.h"

namespace nvccd::kubernetes {
namespace {

using namespace std::chrono_literals;

// Between attempts: a kubelet that has just created its socket does not listen yet; one that has crashed
// leaves a socket behind on which nobody ever answers.
constexpr RetryLimits patience{.first = 100ms, .longest = 1min};

bool socket_exists(const std::filesystem::path& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
}

}  // namespace

Endpoint::Endpoint(const EndpointContext& context, std::string resource, Units units)
    : context_(context),
      resource_(std::move(resource)),
      socket_(socket_name(resource_)),
      units_(std::move(units)),
      retry_(*context.scheduler, patience) {}

Result<std::shared_ptr<Endpoint>> Endpoint::create(const EndpointContext& context, std::string resource,
                                                   Units units) {
  std::shared_ptr<Endpoint> self(new Endpoint(context, std::move(resource), std::move(units)));
  auto watch =
      PathWatch::create(context.event, context.kubelet_dir / self->socket_, [self = self.get()](PathEvent) {
        if (self->server_ && !self->server_->reachable()) self->keep_up();
      });
  if (!watch) return std::unexpected(watch.error());
  self->watch_ = *std::move(watch);
  self->keep_up();
  return self;
}

Endpoint::~Endpoint() {
  if (attempt_) attempt_->cancel();
}

void Endpoint::publish(const Units& units) {
  units_ = units;
  if (server_) server_->publish(units);
}

void Endpoint::kubelet_appeared() {
  ++needed_;
  retry_.succeeded();
  keep_up();
}

// Everything that is missing, as far as it can be had now. Without a kubelet there is nobody to serve; the
// next one begins with removing all sockets anyway.
void Endpoint::keep_up() {
  retry_.cancel();
  if (!socket_exists(context_.kubelet_dir / kubelet_socket_name)) return;
  if (keep_serving() && registered_ != needed_ && !attempt_) register_now();
}

bool Endpoint::keep_serving() {
  if (server_ && server_->reachable()) return true;
  server_.reset();  // first: its end removes what is at the path of its socket
  ++needed_;
  auto started = ResourceServer::start(resource_, context_.kubelet_dir / socket_, units_, context_.read);
  if (!started) {
    try_again_later(started.error());
    return false;
  }
  server_ = *std::move(started);
  return true;
}

void Endpoint::register_now() {
  attempt_ = std::make_shared<Registration>(context_.kubelet_dir, socket_, resource_);
  start_with_result(
      *context_.scheduler, [attempt = attempt_] { return attempt->run(); },
      [weak = weak_from_this(), need = needed_](const Result<>& result) {
        if (const auto self = weak.lock()) self->registered(need, result);
      });
}

void Endpoint::registered(std::uint64_t need, const Result<>& result) {
  attempt_.reset();
  if (!result && need == needed_) return try_again_later(result.error());
  if (result) {
    registered_ = need;
    retry_.succeeded();
    trouble_.end();
    spdlog::info("{} registered with the kubelet", resource_);
  }
  keep_up();
}

void Endpoint::try_again_later(const Error& error) {
  const Duration delay = retry_.later([this] { keep_up(); });
  spdlog::log(trouble_.is_news(error.message()) ? spdlog::level::warn : spdlog::level::debug,
              "{}; trying again in {} ms", error.message(),
              std::chrono::duration_cast<std::chrono::milliseconds>(delay).count());
}

}  // namespace nvccd::kubernetes
