#include "publish/state_file.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "base/atomic_file.h"

namespace nvccd {

Result<std::unique_ptr<StateFile>> StateFile::create(sd_event* event, Manager& manager,
                                                     std::filesystem::path path, ResourceAliases aliases) {
  if (auto removed = remove_file(path); !removed) return std::unexpected(removed.error());
  std::unique_ptr<StateFile> file(new StateFile(manager, std::move(path), std::move(aliases)));
  sd_event_source* source = nullptr;
  int r = sd_event_add_defer(event, &source, on_deferred, file.get());
  file->deferred_.reset(source);
  if (r >= 0) r = sd_event_source_set_enabled(source, SD_EVENT_OFF);
  if (r >= 0) r = sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IDLE);
  if (r < 0) return std::unexpected(system_error("set up the writing of the state file", -r));
  return file;
}

StateFile::StateFile(Manager& manager, std::filesystem::path path, ResourceAliases aliases)
    : manager_(manager), path_(std::move(path)), aliases_(std::move(aliases)) {
  manager_.add_observer(*this);
}

StateFile::~StateFile() {
  manager_.remove_observer(*this);
  if (const auto removed = remove_file(path_); !removed)
    spdlog::error("The state file says what may no longer be true: {}", removed.error().message());
}

Result<> StateFile::write() {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto document = state_document(manager_.node(), manager_.devices(), aliases_, NVCCD_VERSION, now);
  // Names come from a file of the system; whatever bytes are in them, the document must be written.
  const std::string text =
      document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  auto written = write_file_atomically(path_, text, 0644);
  promised_ready_ = written && manager_.node().ready;
  promised_healthy_.clear();
  if (!written) {
    const auto removed = remove_file(path_);
    return removed ? written : removed;
  }
  for (const auto& [address, device] : manager_.devices())
    if (device.healthy()) promised_healthy_.insert(address);
  return {};
}

void StateFile::set_aliases(ResourceAliases aliases) {
  aliases_ = std::move(aliases);
  write_soon();
}

void StateFile::node_changed() {
  if (promised_ready_ && !manager_.node().ready) return write_or_log();
  write_soon();
}

void StateFile::device_changed(const PciAddress& address) {
  if (promised_healthy_.contains(address) && !manager_.devices().at(address).healthy()) return write_or_log();
  write_soon();
}

void StateFile::device_removed(const PciAddress& address) {
  if (promised_healthy_.contains(address)) return write_or_log();
  write_soon();
}

void StateFile::write_soon() {
  sd_event_source_set_enabled(deferred_.get(), SD_EVENT_ONESHOT);
}

void StateFile::write_or_log() {
  if (const auto written = write(); !written)
    spdlog::error("The state file could not be written and was withdrawn: {}", written.error().message());
}

int StateFile::on_deferred(sd_event_source*, void* userdata) noexcept {
  static_cast<StateFile*>(userdata)->write_or_log();
  return 0;
}

}  // namespace nvccd
