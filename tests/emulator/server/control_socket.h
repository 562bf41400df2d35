// The control socket: takes lines, hands each to a handler, sends back what that returns. Any number of
// clients.
#pragma once

#include <expected>
#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "tests/emulator/vfio_user/event_loop.h"
#include "tests/emulator/vfio_user/unix_socket.h"

namespace emulator::server {

class ControlSocket {
 public:
  using Handler = std::function<std::string(const std::string& line)>;

  // `loop` must outlive the object.
  static std::expected<std::unique_ptr<ControlSocket>, std::string> open(vfio_user::EventLoop& loop,
                                                                         const std::filesystem::path& path,
                                                                         Handler handler);
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

 private:
  struct Client {
    nvccd::UniqueFd socket;
    std::string input;  // no line end in it yet
    vfio_user::EventLoop::Watch watch;
  };

  ControlSocket(vfio_user::EventLoop& loop, vfio_user::UnixListener listener, Handler handler);
  void accept();
  void serve(std::list<Client>::iterator client);
  // False: the client left or must go.
  bool read(Client& client);
  bool answer_lines(Client& client);

  vfio_user::EventLoop& loop_;
  vfio_user::UnixListener listener_;
  Handler handler_;
  std::list<Client> clients_;
  vfio_user::EventLoop::Watch watch_;
};

}  // namespace emulator::server
