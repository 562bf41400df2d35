#include "daemon/publish/published_files.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "common/base/atomic_file.h"
#include "common/formats/node_features.h"
#include "common/formats/paths.h"
#include "common/formats/state_file.h"
#include "daemon/publish/cdi_specification.h"
#include "daemon/publish/metrics.h"

namespace nvccd {
namespace {

namespace fs = std::filesystem;

// By this beginning a later run knows that a specification is nvccd's.
constexpr std::string_view cdi_prefix = "nvccd-";

fs::path state_file(const PublishPlaces& places) {
  return places.runtime / paths::state_name;
}
fs::path metrics_file(const PublishPlaces& places) {
  return places.runtime / paths::metrics_name;
}
fs::path feature_file(const PublishPlaces& places) {
  return places.node_features / paths::node_feature_name;
}
// "nvidia.com/pgpu" has nvccd-nvidia.com-pgpu.json.
fs::path cdi_file(const PublishPlaces& places, std::string kind) {
  std::ranges::replace(kind, '/', '-');
  return places.cdi / (std::string(cdi_prefix) + kind + ".json");
}

std::vector<fs::path> left_over(const PublishPlaces& places) {
  std::vector<fs::path> paths{state_file(places), metrics_file(places), feature_file(places)};
  std::error_code none;  // a directory that is not there has no files
  for (const auto& entry : fs::directory_iterator(places.cdi, none))
    if (entry.path().filename().string().starts_with(cdi_prefix)) paths.push_back(entry.path());
  return paths;
}

}  // namespace

Result<> withdraw_published_files(const PublishPlaces& places) {
  Result<> all;
  for (const fs::path& path : left_over(places))
    if (auto removed = remove_file(path); !removed && all) all = std::move(removed);
  return all;
}

Result<std::unique_ptr<PublishedFiles>> PublishedFiles::create(sd_event* event, Manager& manager,
                                                               const TransitionStatistics& statistics,
                                                               PublishPlaces places,
                                                               PublishSettings settings) {
  if (auto removed = withdraw_published_files(places); !removed) return std::unexpected(removed.error());
  std::unique_ptr<PublishedFiles> files(
      new PublishedFiles(manager, statistics, std::move(places), std::move(settings)));
  auto deferred = DeferredCall::create(event, [self = files.get()] { self->write(); });
  if (!deferred) return std::unexpected(deferred.error());
  files->deferred_ = *std::move(deferred);
  return files;
}

PublishedFiles::PublishedFiles(Manager& manager, const TransitionStatistics& statistics, PublishPlaces places,
                               PublishSettings settings)
    : manager_(manager), statistics_(statistics), places_(std::move(places)), settings_(std::move(settings)) {
  manager_.add_observer(*this);
}

PublishedFiles::~PublishedFiles() {
  manager_.remove_observer(*this);
  while (!written_.empty())
    withdraw(written_.begin()->first);
}

void PublishedFiles::write() {
  const Contents now = contents();
  std::vector<fs::path> gone;
  for (const auto& [path, content] : written_)
    if (!now.contains(path)) gone.push_back(path);
  for (const fs::path& path : gone)
    withdraw(path);
  for (const auto& [path, content] : now)
    put(path, content);

  promised_ready_ = manager_.node().ready;
  promised_healthy_.clear();
  for (const auto& [address, device] : manager_.devices())
    if (device.healthy()) promised_healthy_.insert(address);
}

PublishedFiles::Contents PublishedFiles::contents() const {
  const NodeState& node = manager_.node();
  const auto& devices = manager_.devices();
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto document = state_document(node, devices, settings_.aliases, NVCCD_VERSION, now);
  Contents contents{{state_file(places_), state_text(document)},
                    {metrics_file(places_), metrics(node, devices, statistics_, NVCCD_VERSION)}};
  if (settings_.node_features) contents[feature_file(places_)] = node_features(node, devices);
  if (settings_.cdi)
    for (auto& [kind, specification] : cdi_specifications(devices, settings_.aliases))
      contents[cdi_file(places_, kind)] = std::move(specification);
  return contents;
}

void PublishedFiles::put(const fs::path& path, const std::string& content) {
  if (const auto before = written_.find(path); before != written_.end() && before->second == content) return;
  std::error_code none;  // the writing says what is wrong
  fs::create_directories(path.parent_path(), none);
  const auto written = write_file_atomically(path, content, 0644, Lasting::no);
  if (written)
    written_[path] = content;
  else
    withdraw(path);
  report(path, written);
}

void PublishedFiles::withdraw(fs::path path) {
  written_.erase(path);
  if (const auto removed = remove_file(path); !removed)
    spdlog::error("{} says what may no longer be true: {}", path.string(), removed.error().message());
}

void PublishedFiles::report(const fs::path& path, const Result<>& result) {
  if (result)
    troubles_.erase(path);
  else if (troubles_[path].is_news(result.error().message()))
    spdlog::error("{} could not be written and was withdrawn: {}", path.string(), result.error().message());
}

void PublishedFiles::set_settings(PublishSettings settings) {
  settings_ = std::move(settings);
  write_soon();
}

void PublishedFiles::node_changed() {
  promised_ready_ && !manager_.node().ready ? write() : write_soon();
}

void PublishedFiles::device_changed(const PciAddress& address) {
  promised_healthy_.contains(address) && !manager_.devices().at(address).healthy() ? write() : write_soon();
}

void PublishedFiles::device_removed(const PciAddress& address) {
  promised_healthy_.contains(address) ? write() : write_soon();
}

}  // namespace nvccd
