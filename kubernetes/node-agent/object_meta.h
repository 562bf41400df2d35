// The metadata of an object of the Kubernetes API, and the messages it comes in. They come from outside:
// anything that is not as it should be is an error, never a guess.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/error.h"
#include "kubernetes/node-agent/operands.h"

namespace nvccd::agent {

struct ObjectMeta {
  std::string name;
  std::string resource_version;
  Labels labels;
  std::set<std::string, std::less<>> nfd_labels = {};  // those that node-feature-discovery says it writes
};

struct ObjectList {
  std::string resource_version;
  std::vector<ObjectMeta> items;
};

struct WatchEvent {
  enum class Kind { changed, deleted, bookmark, error };
  Kind kind = Kind::error;
  ObjectMeta object;    // of a bookmark only its resource version
  long status = 0;      // error: 410 and the like
  std::string message;  // error
};

Result<ObjectMeta> parse_object(std::string_view json);
Result<ObjectList> parse_list(std::string_view json);
Result<WatchEvent> parse_watch_event(std::string_view json);

// What a Status object says; "" when it is none.
std::string status_message(std::string_view json);

// Whether this version of one object is older than that. Versions that are no numbers are never older.
bool is_older(const std::string& version, const std::string& than);

}  // namespace nvccd::agent
