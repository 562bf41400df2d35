#include "client/password_agent.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>

#include "common/base/fd.h"

namespace nvccd::client {
namespace {

// Registering takes milliseconds. If polkit hangs, the change is tried without an agent.
constexpr std::chrono::milliseconds registration_limit{5000};

[[noreturn]] void become_agent(int notify_fd, const std::string& client) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  // It talks to the terminal itself; what it says elsewhere is that there is no polkit, which is no trouble.
  const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    ::dup2(nowhere, fd);
  ::fcntl(notify_fd, F_SETFD, 0);
  const std::string notify = std::to_string(notify_fd);
  ::execlp("pkttyagent", "pkttyagent", "--notify-fd", notify.c_str(), "--fallback", "--process",
           client.c_str(), nullptr);
  ::_exit(127);
}

}  // namespace

std::unique_ptr<PasswordAgent> PasswordAgent::start() {
  if (::geteuid() == 0 || !::isatty(STDIN_FILENO)) return nullptr;
  termios terminal{};
  int ends[2];
  if (::tcgetattr(STDIN_FILENO, &terminal) < 0 || ::pipe2(ends, O_CLOEXEC) < 0) return nullptr;
  const UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  const std::string client = std::to_string(::getpid());
  const pid_t pid = ::fork();
  if (pid < 0) return nullptr;
  if (pid == 0) become_agent(write_end.get(), client);
  write_end.reset();
  // Closed when it is registered, and when it is not there or has failed.
  pollfd notified{.fd = read_end.get(), .events = 0, .revents = 0};
  while (::poll(&notified, 1, static_cast<int>(registration_limit.count())) < 0 && errno == EINTR) {
  }
  return std::unique_ptr<PasswordAgent>(new PasswordAgent(pid, terminal));
}

PasswordAgent::~PasswordAgent() {
  ::kill(pid_, SIGTERM);
  ::kill(pid_, SIGCONT);  // it may have been stopped for writing to the terminal
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  ::tcsetattr(STDIN_FILENO, TCSANOW, &terminal_);
}

}  // namespace nvccd::client
