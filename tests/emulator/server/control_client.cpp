#include "control_client.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "tests/emulator/vfio_user/unix_socket.h"

namespace emulator::server {

std::expected<std::string, std::string> ask(const std::filesystem::path& socket, const std::string& request) {
  const auto connection = vfio_user::connect_unix(socket);
  if (!connection) return std::unexpected(connection.error());

  std::string line = request;
  std::replace(line.begin(), line.end(), '\n', ' ');  // white space in JSON either way
  line += '\n';
  for (std::size_t sent = 0; sent < line.size();) {
    const ssize_t count = ::send(connection->get(), line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
    if (count < 0) return std::unexpected(fmt::format("send the request: {}", std::strerror(errno)));
    sent += static_cast<std::size_t>(count);
  }
  std::string answer;
  std::array<char, 4096> buffer;
  while (!answer.ends_with('\n')) {
    const ssize_t count = ::recv(connection->get(), buffer.data(), buffer.size(), 0);
    if (count < 0) return std::unexpected(fmt::format("receive the answer: {}", std::strerror(errno)));
    if (count == 0) return std::unexpected("the server closed the connection without an answer");
    answer.append(buffer.data(), static_cast<std::size_t>(count));
  }
  answer.pop_back();
  return answer;
}

}  // namespace emulator::server
