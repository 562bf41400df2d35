// What is to be done next, from all that is known: the node's labels, the operands, nvccd, and what this
// agent has done itself. A pure function; it is called again after everything that happens, so no step needs
// to know the step before it, and the next process finds everything that a killed one has left.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "common/bus/views.h"
#include "common/formats/node_features.h"
#include "kubernetes/node-agent/operands.h"

namespace nvccd::agent {

inline constexpr std::string_view mode_label = "nvidia.com/cc.mode";

// What the label asks for.
struct Wish {
  enum class Kind { none, mode, invalid };
  Kind kind = Kind::none;
  std::string value = {};  // of the label
  bool operator==(const Wish&) const = default;
};
Wish wish_of(const Labels& node);

// What is asked of nvccd: to set a mode of the node, or to clear the mode that is set.
struct SetMode {
  std::string mode;
  bool operator==(const SetMode&) const = default;
};
struct ClearMode {
  bool operator==(const ClearMode&) const = default;
};
using Change = std::variant<SetMode, ClearMode>;

// What nvccd answered to the dry run of a change.
struct Check {
  Change change;
  bool affects = false;  // some device would change
  bool operator==(const Check&) const = default;
};

// A change that nvccd does not want to make, or has given up. nvccd is not asked for it again for the same
// wish.
struct Refusal {
  Change change;
  std::string message = {};
  bool because_of_use = false;  // by virtual machines
  bool operator==(const Refusal&) const = default;
};

enum class Presence {
  unknown,  // not asked yet
  absent,   // since a moment: perhaps nvccd only restarts
  missing,  // for longer than a restart takes
  present,
};

enum class PodView {
  unknown,  // not listed yet
  refused,  // the API server does not let us list them
  known,
};

struct Situation {
  Labels labels;  // of the node
  PodView pods = PodView::known;
  std::set<std::string> running_apps;  // pods of the operator on this node
  Presence presence = Presence::unknown;
  client::Snapshot nvccd;                      // when present
  std::set<std::string> label_modes;           // modes that were set because of the label
  std::optional<Check> check;                  // of this wish
  std::optional<Refusal> refusal;              // of this wish
  std::optional<std::uint64_t> cancelled_job;  // cancelled by this agent; may need time to end
  bool nfd_writes_labels = false;              // the two state labels, as nvccd's feature file has them
  bool withdrawn = false;                      // the device plugin offers nothing
  bool waited_long_enough = false;             // for the operands
};

// Something that people should know while it holds.
struct Notice {
  std::string reason;  // CamelCase, of the event
  std::string message;
  bool warning = false;
  bool operator==(const Notice&) const = default;
};

struct CheckMode {
  Change change;
};
struct CancelJob {
  std::uint64_t id = 0;
};
using Call = std::variant<std::monostate, CheckMode, SetMode, ClearMode, CancelJob>;

struct Decision {
  Labels labels;                  // to be written: only those that differ
  std::optional<bool> withdrawn;  // nullopt: to stay as it is
  Call call;                      // of nvccd; only when no label is to be written
  bool awaits_operands = false;   // the wait for operands to end is on
  bool forget_label_modes = false;
  std::vector<Notice> notices;
};

Decision decide(const Situation& situation);

// Whether the job sets the mode of the node, rather than doing something with a single device.
bool is_mode_job(const client::JobView& job);

}  // namespace nvccd::agent
