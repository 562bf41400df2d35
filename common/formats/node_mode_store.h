// The node mode as set at run time, kept in files so that restarts and reboots do not forget it.
#pragma once

#include <filesystem>

#include "common/formats/paths.h"
#include "common/model/error.h"
#include "common/model/mode.h"

namespace nvccd {

struct NodeModes {
  std::optional<Mode> lasting;    // survives a reboot
  std::optional<Mode> transient;  // until the next reboot; wins over the lasting one

  std::optional<Mode> effective() const { return transient ? transient : lasting; }
  bool operator==(const NodeModes&) const = default;
};

class NodeModeStore {
 public:
  // Two directories: one that survives reboots, and one that does not.
  NodeModeStore(const std::filesystem::path& state_dir, const std::filesystem::path& runtime_dir)
      : lasting_file_(state_dir / paths::node_mode_name),
        transient_file_(runtime_dir / paths::node_mode_name) {}

  // A missing file means no mode. A file that cannot be read or has anything but a mode in it is an error:
  // nobody may guess.
  Result<NodeModes> load() const;
  // Runs on the loop's thread, as nobody may be told of a mode that a power cut forgets; the unit's watchdog
  // allows for a slow disk.
  Result<> save(const NodeModes& modes) const;

 private:
  std::filesystem::path lasting_file_;
  std::filesystem::path transient_file_;
};

}  // namespace nvccd
