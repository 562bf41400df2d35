// polkit's agent on the terminal, which asks for the password that a change may need.
#pragma once

#include <sys/types.h>
#include <termios.h>

#include <memory>

namespace nvccd::client {

class PasswordAgent {
 public:
  // Runs pkttyagent and returns when polkit knows it. Null where it would be of no use: for root, without a
  // terminal to ask on, and where there is no pkttyagent.
  static std::unique_ptr<PasswordAgent> start();

  // Ends it. If it was asking just now the terminal shows again what is typed.
  ~PasswordAgent();
  PasswordAgent(const PasswordAgent&) = delete;
  PasswordAgent& operator=(const PasswordAgent&) = delete;

 private:
  PasswordAgent(pid_t pid, const termios& terminal) : pid_(pid), terminal_(terminal) {}

  pid_t pid_;
  termios terminal_;  // as it was
};

}  // namespace nvccd::client
