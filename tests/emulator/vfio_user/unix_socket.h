// Listening on and connecting to UNIX stream sockets.
#pragma once

#include <expected>
#include <filesystem>
#include <string>

#include "common/base/fd.h"

namespace emulator::vfio_user {

// A socket that listens at a path and removes it in the end. What is at the path before is
// replaced, at the moment when the new socket accepts connections.
class UnixListener {
 public:
  // The error is a sentence that names the path.
  static std::expected<UnixListener, std::string> listen(const std::filesystem::path& path);
  UnixListener(UnixListener&& other) noexcept;
  UnixListener& operator=(UnixListener&&) = delete;
  ~UnixListener();

  int fd() const { return fd_.get(); }
  // Nobody waits: an empty descriptor. The connection is non-blocking.
  nvccd::UniqueFd accept() const;

 private:
  UnixListener(nvccd::UniqueFd fd, std::filesystem::path path);

  nvccd::UniqueFd fd_;
  std::filesystem::path path_;
};

// A blocking connection.
std::expected<nvccd::UniqueFd, std::string> connect_unix(const std::filesystem::path& path);

}  // namespace emulator::vfio_user
