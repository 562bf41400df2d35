#include "kubernetes/node-agent/event_recorder.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

namespace nvccd::agent {
namespace {

using Json = nlohmann::json;

constexpr std::size_t longest_queue = 16;
constexpr std::size_t kept_events = 32;
constexpr std::size_t longest_message = 1024;  // the API server's limit
constexpr auto component = "nvccd-node-agent";
// Events of nodes belong to no namespace; the kubelet, too, writes its events of the node into this one.
constexpr auto events_path = "/api/v1/namespaces/default/events";

std::string key_of(const Notice& notice) {
  return notice.reason + "\n" + notice.message;
}

std::string now_as_text() {
  const auto now = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
}

std::uint64_t nanoseconds_now() {
  return static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
}

std::string to_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json new_event(const std::string& node, const Notice& notice, const std::string& name,
               const std::string& now) {
  return {{"apiVersion", "v1"},
          {"kind", "Event"},
          {"metadata", {{"name", name}, {"namespace", "default"}}},
          // The kubelet refers to its node in the same way: kubectl looks for this uid.
          {"involvedObject", {{"apiVersion", "v1"}, {"kind", "Node"}, {"name", node}, {"uid", node}}},
          {"reason", notice.reason},
          {"message", notice.message.substr(0, longest_message)},
          {"type", notice.warning ? "Warning" : "Normal"},
          {"source", {{"component", component}, {"host", node}}},
          {"reportingComponent", component},
          {"reportingInstance", node},
          {"firstTimestamp", now},
          {"lastTimestamp", now},
          {"count", 1}};
}

}  // namespace

EventRecorder::EventRecorder(ApiClient& api, Scheduler& scheduler, Clock& clock, std::string node)
    : api_(api), clock_(clock), node_(std::move(node)), retry_(scheduler) {}

void EventRecorder::report(std::span<const Notice> notices) {
  for (const Notice& notice : notices)
    if (std::ranges::find(current_, notice) == current_.end()) record(notice);
  current_.assign(notices.begin(), notices.end());
}

void EventRecorder::record(const Notice& notice) {
  spdlog::log(notice.warning ? spdlog::level::warn : spdlog::level::info, "{}", notice.message);
  if (!budget_.take(clock_.now())) return;
  // Drops the oldest notice that waits. The first one in the queue does not wait if its transfer runs.
  if (queue_.size() == longest_queue) queue_.erase(queue_.begin() + (transfer_ ? 1 : 0));
  queue_.push_back(notice);
  send_next();
}

void EventRecorder::send_next() {
  if (queue_.empty() || transfer_ || retry_.waiting()) return;
  const Notice& notice = queue_.front();
  const std::string now = now_as_text();
  const auto done = [this](const ApiResult<std::string>& body) { answered(body); };
  if (const auto sent = sent_.find(key_of(notice)); sent != sent_.end()) {
    const Json change = {{"count", sent->second.count + 1}, {"lastTimestamp", now}};
    transfer_ = api_.patch(fmt::format("{}/{}", events_path, sent->second.name), to_text(change), done);
    return;
  }
  last_name_ = std::max(last_name_ + 1, nanoseconds_now());
  const std::string name = fmt::format("{}.{:x}", node_, last_name_);
  if (sent_.size() == kept_events) sent_.clear();
  sent_[key_of(notice)] = Sent{.name = name, .first_time = now, .count = 0};
  transfer_ = api_.post(events_path, to_text(new_event(node_, notice, name, now)), done);
}

void EventRecorder::answered(const ApiResult<std::string>& body) {
  const auto transfer = std::move(transfer_);
  const auto sent = sent_.find(key_of(queue_.front()));
  if (body) {
    retry_.succeeded();
    if (sent != sent_.end()) ++sent->second.count;
    queue_.pop_front();
    return send_next();
  }
  const ApiError& error = body.error();
  const bool passing = error.status == 0 || error.status == 429 || error.status >= 500;
  // The event to be counted up is not there any more: the cluster forgets events after an hour.
  const bool expired = error.status == 404 && sent != sent_.end() && sent->second.count > 0;
  const bool never_sent = sent != sent_.end() && sent->second.count == 0;
  if (expired || never_sent) sent_.erase(sent);
  if (!passing && !expired) {
    if (refusal_.is_news(error.message)) spdlog::warn("the event was not accepted: {}", error.message);
    queue_.pop_front();
    return send_next();
  }
  retry_.later([this] { send_next(); }, error.retry_after.value_or(Duration(0)));
}

}  // namespace nvccd::agent
