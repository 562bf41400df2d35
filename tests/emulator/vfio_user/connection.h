// One client's socket: carries messages between it and a session.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "event_loop.h"
#include "session.h"

namespace emulator::vfio_user {

class Connection {
 public:
  // Called once, when the client left or had to be dropped, with the reason. It may destroy the connection.
  using Ended = std::function<void(const std::string& reason)>;

  Connection(EventLoop& loop, UniqueFd socket, Device& device, Ended ended);

  const Session& session() const { return session_; }

 private:
  enum class Step { done, blocked, ended };

  void serve();
  Step receive();  // one message at most
  Step flush();
  Step end(std::string reason);

  UniqueFd socket_;
  Session session_;
  MessageReader reader_;
  Bytes output_;
  std::size_t sent_ = 0;     // bytes of output_
  bool last_reply_ = false;  // end once the output is sent
  std::string reason_;       // why it ends
  Ended ended_;
  EventLoop::Watch watch_;  // last: it goes before what its callback uses
};

}  // namespace emulator::vfio_user
