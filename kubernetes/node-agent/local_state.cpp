#include "kubernetes/node-agent/local_state.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fstream>

#include "common/base/atomic_file.h"
#include "common/formats/paths.h"
#include "common/formats/withdrawal.h"
#include "common/model/mode.h"

namespace nvccd::agent {
namespace {

constexpr mode_t for_everybody = 0644;

Result<> write(const std::filesystem::path& file, const std::string& content) {
  std::error_code failed;
  std::filesystem::create_directories(file.parent_path(), failed);
  if (failed)
    return std::unexpected(system_error("cannot make " + file.parent_path().string(), failed.value()));
  return write_file_atomically(file, content, for_everybody);
}

}  // namespace

LocalState::LocalState(std::filesystem::path runtime_dir, std::filesystem::path state_dir)
    : withdrawn_file_(std::move(runtime_dir) / paths::withdrawal_name),
      label_modes_file_(std::move(state_dir) / "label-modes") {}

bool LocalState::withdrawn() const {
  return is_withdrawn(withdrawn_file_).value_or(false);
}

Result<> LocalState::set_withdrawn(bool wanted) {
  return nvccd::set_withdrawn(withdrawn_file_, wanted);
}

Result<> LocalState::set_label_modes(std::set<std::string> modes) {
  if (modes == label_modes_) return {};
  if (auto done = modes.empty() ? remove_file(label_modes_file_)
                                : write(label_modes_file_, fmt::format("{}\n", fmt::join(modes, "\n")));
      !done)
    return done;
  label_modes_ = std::move(modes);
  return {};
}

Result<> LocalState::load() {
  label_modes_.clear();
  std::error_code failed;
  if (!std::filesystem::exists(label_modes_file_, failed)) return {};
  std::ifstream file(label_modes_file_);
  if (!file) return std::unexpected(Error{.cause = "cannot read " + label_modes_file_.string()});
  for (std::string line; std::getline(file, line);)
    if (parse_enum<Mode>(line)) label_modes_.insert(line);
  return {};
}

}  // namespace nvccd::agent
