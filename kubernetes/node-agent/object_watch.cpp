#include "kubernetes/node-agent/object_watch.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <random>

namespace nvccd::agent {
namespace {

using namespace std::chrono_literals;

// How long a watch may last beyond the time that the server was asked for: a server may forget to end it.
constexpr Duration overtime = 30s;

constexpr long gone = 410;
constexpr long forbidden = 403;

// Different for each watch, so that the watches of a cluster's agents do not end together.
std::chrono::seconds watch_time() {
  std::random_device random;
  return std::chrono::seconds(std::uniform_int_distribution(300, 600)(random));
}

}  // namespace

ObjectWatch::ObjectWatch(ApiClient& api, Scheduler& scheduler, Source source, std::function<void()> changed)
    : api_(api), source_(std::move(source)), changed_(std::move(changed)), retry_(scheduler) {
  list();
}

void ObjectWatch::learn(ObjectMeta object) {
  const auto place = objects_.find(object.name);
  if (place != objects_.end() && is_older(object.resource_version, place->second.resource_version)) return;
  keep(std::move(object));
}

void ObjectWatch::keep(ObjectMeta object) {
  std::string name = object.name;
  objects_.insert_or_assign(std::move(name), std::move(object));
}

void ObjectWatch::list() {
  transfer_ = api_.list(fmt::format("{}?{}", source_.path, source_.selector),
                        [this](const ApiResult<std::string>& body) { listed(body); });
}

void ObjectWatch::listed(const ApiResult<std::string>& body) {
  if (!body) {
    if (body.error().status == forbidden && std::exchange(state_, State::refused) != State::refused)
      changed_();
    return try_again(body.error());
  }
  auto list = parse_list(*body);
  if (!list) return try_again({.message = list.error().message()});
  const auto before = std::exchange(objects_, {});
  for (ObjectMeta& item : list->items) {
    const auto known = before.find(item.name);
    const bool overtaken =
        known != before.end() && is_older(item.resource_version, known->second.resource_version);
    if (overtaken) item = known->second;
    keep(std::move(item));
  }
  version_ = list->resource_version;
  state_ = State::known;
  watch();
  changed_();
}

void ObjectWatch::watch() {
  lines_ = {};
  const auto time = watch_time();
  transfer_ = api_.watch(
      fmt::format("{}?{}&watch=true&allowWatchBookmarks=true&timeoutSeconds={}&resourceVersion={}",
                  source_.path, source_.selector, time.count(), url_encoded(version_)),
      time + overtime,
      [this](std::string_view data) {
        return lines_.feed(data, [this](std::string_view line) { return take(line); });
      },
      [this](const ApiResult<std::string>& body) { watch_ended(body); });
}

void ObjectWatch::watch_ended(const ApiResult<std::string>& body) {
  if (!body) {
    if (body.error().status == gone) version_.clear();
    return try_again(body.error());
  }
  // The usual end of a watch. The next one begins after a delay, as some server might end every watch at
  // once.
  retry_.later([this] { watch(); });
}

void ObjectWatch::try_again(const ApiError& error) {
  const Duration delay =
      retry_.later([this] { version_.empty() ? list() : watch(); }, error.retry_after.value_or(0s));
  const bool news = trouble_.is_news(error.message);
  spdlog::log(news && error.status != gone ? spdlog::level::warn : spdlog::level::debug,
              "{}: {}; trying again in {:.1f} s", source_.path, error.message,
              std::chrono::duration<double>(delay).count());
}

Result<> ObjectWatch::take(std::string_view line) {
  auto event = parse_watch_event(line);
  if (!event) {
    version_.clear();  // the event in the line is lost: list anew
    return std::unexpected(event.error());
  }
  if (event->kind == WatchEvent::Kind::error) return take_error(*event);
  version_ = event->object.resource_version;
  note_progress();
  if (event->kind == WatchEvent::Kind::bookmark) return {};
  const auto known = objects_.find(event->object.name);
  // The event is older than what one of our own requests has returned already.
  if (known != objects_.end() && is_older(event->object.resource_version, known->second.resource_version))
    return {};
  if (event->kind == WatchEvent::Kind::deleted)
    objects_.erase(event->object.name);
  else
    keep(std::move(event->object));
  changed_();
  return {};
}

// The version was too old (410), or something else makes the rest of the stream worthless.
Result<> ObjectWatch::take_error(const WatchEvent& event) {
  version_.clear();
  return std::unexpected(
      Error{.cause = fmt::format("the watch ended: {} ({})", event.message.substr(0, 512), event.status)});
}

void ObjectWatch::note_progress() {
  retry_.succeeded();
  if (trouble_.end()) spdlog::info("{}: following again", source_.path);
}

}  // namespace nvccd::agent
