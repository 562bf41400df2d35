// Follows the state file of nvccd.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "kubernetes/state/path_watch.h"
#include "kubernetes/state/state.h"

namespace nvccd::kubernetes {

class StateWatch {
 public:
  // Runs on the event loop whenever the file was replaced or went away; state() is then new.
  using Handler = std::function<void()>;

  // Reads the file once, without calling the handler. That there is none is no error.
  static Result<std::unique_ptr<StateWatch>> create(sd_event* event, std::filesystem::path path,
                                                    Handler changed);

  // As it was read last. An error while nvccd does not run, or when the file is not what nvccd writes.
  const Result<State>& state() const { return state_; }

 private:
  StateWatch(std::filesystem::path path, Handler changed);

  std::filesystem::path path_;
  Handler changed_;
  Result<State> state_ = std::unexpected(Error{});
  std::unique_ptr<PathWatch> watch_;
};

}  // namespace nvccd::kubernetes
