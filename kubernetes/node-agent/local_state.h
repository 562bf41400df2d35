// The two files this agent keeps on the host.
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "common/model/error.h"

namespace nvccd::agent {

class LocalState {
 public:
  // `runtime_dir` is gone after a reboot, `state_dir` is not; both are made if they are not there.
  LocalState(std::filesystem::path runtime_dir, std::filesystem::path state_dir);

  // Whether the devices are withdrawn, see common/formats/withdrawal.h. In doubt false: the withdrawal is
  // then tried, or said, again.
  bool withdrawn() const;
  Result<> set_withdrawn(bool withdrawn);

  // The modes that were set because the label asked for them: when the label goes, these modes go too, while
  // a mode that an administrator has set without the label stays. Kept beside nvccd's own memory of the mode,
  // on the host.
  const std::set<std::string>& label_modes() const { return label_modes_; }
  Result<> set_label_modes(std::set<std::string> modes);
  // Reads what is kept. A file that is not readable counts as empty: then no mode is cleared.
  Result<> load();

 private:
  std::filesystem::path withdrawn_file_;
  std::filesystem::path label_modes_file_;
  std::set<std::string> label_modes_;
};

}  // namespace nvccd::agent
