#include "client/interruption.h"

#include <signal.h>

#include <cstdio>
#include <cstdlib>

namespace nvccd::client {

void end_interrupted() {
  std::fflush(nullptr);
  ::signal(SIGINT, SIG_DFL);
  sigset_t interrupt;
  ::sigemptyset(&interrupt);
  ::sigaddset(&interrupt, SIGINT);
  ::sigprocmask(SIG_UNBLOCK, &interrupt, nullptr);
  ::raise(SIGINT);
  std::_Exit(128 + SIGINT);
}

}  // namespace nvccd::client
