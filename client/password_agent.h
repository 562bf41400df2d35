// polkit's agent on the terminal, which asks for the password that a change may need.
#pragma once

#include <sys/types.h>

#include <memory>

namespace nvccd::client {

class PasswordAgent {
 public:
  // Runs pkttyagent and returns when polkit knows it. Null where it would be of no use: for root, without a
  // terminal to ask on, and where there is no pkttyagent.
  static std::unique_ptr<PasswordAgent> start();

  ~PasswordAgent();  // ends it
  PasswordAgent(const PasswordAgent&) = delete;
  PasswordAgent& operator=(const PasswordAgent&) = delete;

 private:
  explicit PasswordAgent(pid_t pid) : pid_(pid) {}

  pid_t pid_;
};

}  // namespace nvccd::client
