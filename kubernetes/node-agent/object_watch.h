// Keeps a copy of some objects of the cluster: lists them, watches for changes, and lists them again when the
// server cannot go on from the last version. Every failure ends in another try, later each time.
#pragma once

#include <map>
#include <string>

#include "common/base/retry.h"
#include "kubernetes/node-agent/api_client.h"
#include "kubernetes/node-agent/line_splitter.h"
#include "kubernetes/node-agent/object_meta.h"

namespace nvccd::agent {

class ObjectWatch {
 public:
  struct Source {
    std::string path;      // "/api/v1/nodes"
    std::string selector;  // "fieldSelector=metadata.name%3Dnode1"
  };
  enum class State {
    unknown,  // not listed yet
    refused,  // the server said that we may not
    known,
  };

  // `changed` is called from the loop whenever the objects or the state have changed. `api` and `scheduler`
  // must outlive the watch.
  ObjectWatch(ApiClient& api, Scheduler& scheduler, Source source, std::function<void()> changed);
  ObjectWatch(const ObjectWatch&) = delete;
  ObjectWatch& operator=(const ObjectWatch&) = delete;

  // The state and the objects of the last list that succeeded, with all changes since.
  State state() const { return state_; }
  const std::map<std::string, ObjectMeta>& objects() const { return objects_; }

  // Takes an object that one of our own requests has returned: it is newer than what the watch still has to
  // tell.
  void learn(ObjectMeta object);

 private:
  void keep(ObjectMeta object);
  void list();
  void listed(const ApiResult<std::string>& body);
  void watch();
  void watch_ended(const ApiResult<std::string>& body);
  Result<> take(std::string_view line);
  Result<> take_error(const WatchEvent& event);
  void try_again(const ApiError& error);
  void note_progress();

  ApiClient& api_;
  const Source source_;
  const std::function<void()> changed_;
  std::map<std::string, ObjectMeta> objects_;
  State state_ = State::unknown;
  std::string version_;  // to watch from; "" when the objects have to be listed
  Retry retry_;
  Trouble trouble_;
  LineSplitter lines_;
  HttpClient::TransferPtr transfer_;
};

}  // namespace nvccd::agent
