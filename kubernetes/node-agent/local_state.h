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

  // As common/formats/withdrawal.h. In doubt they are not: then it is tried, or said, again.
  bool withdrawn() const;
  Result<> set_withdrawn(bool withdrawn);

  // The modes that were set because the label asked for them: when the label goes, so do they, while one
  // that an administrator has set without it stays. Kept beside nvccd's own memory of the mode, on the host.
  const std::set<std::string>& label_modes() const { return label_modes_; }
  Result<> set_label_modes(std::set<std::string> modes);
  // Reads what is kept. What is not readable counts as none: then no mode is taken back.
  Result<> load();

 private:
  std::filesystem::path withdrawn_file_;
  std::filesystem::path label_modes_file_;
  std::set<std::string> label_modes_;
};

}  // namespace nvccd::agent
