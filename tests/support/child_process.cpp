#include "child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

#include "event_loop.h"

namespace nvccd::test {

ChildProcess::ChildProcess(sd_event* event, const std::vector<std::string>& command, const Options& options)
    : event_(event) {
  const UniqueFd out = options.terminal ? open_terminal(output_) : open_pipe(output_);
  const UniqueFd err = options.terminal ? UniqueFd() : open_pipe(errors_);
  if (options.terminal) resize_terminal(options.columns);
  run(command, options, out.get(), err ? err.get() : out.get());
}

UniqueFd ChildProcess::open_pipe(Stream& stream) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) throw std::runtime_error("pipe failed");
  stream.fd.reset(ends[0]);
  listen(stream);
  return UniqueFd(ends[1]);
}

UniqueFd ChildProcess::open_terminal(Stream& stream) {
  stream.fd.reset(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!stream.fd || ::grantpt(stream.fd.get()) < 0 || ::unlockpt(stream.fd.get()) < 0)
    throw std::runtime_error("no terminal to be had");
  UniqueFd end(::open(::ptsname(stream.fd.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!end) throw std::runtime_error("the terminal cannot be opened");
  listen(stream);
  return end;
}

void ChildProcess::resize_terminal(unsigned short columns) {
  const winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
  ::ioctl(output_.fd.get(), TIOCSWINSZ, &size);
  if (pid_ > 0) ::kill(pid_, SIGWINCH);  // it is not the terminal's foreground process
}

void ChildProcess::listen(Stream& stream) {
  sd_event_source* source = nullptr;
  if (sd_event_add_io(event_, &source, stream.fd.get(), EPOLLIN, on_readable, &stream) < 0)
    throw std::runtime_error("sd_event_add_io failed");
  stream.source.reset(source);
}

int ChildProcess::on_readable(sd_event_source*, int fd, std::uint32_t, void* userdata) {
  auto& stream = *static_cast<Stream*>(userdata);
  char buffer[4096];
  const ssize_t size = ::read(fd, buffer, sizeof buffer);
  if (size > 0)
    stream.text.append(buffer, static_cast<std::size_t>(size));
  else
    stream.source.reset();  // the program's end is closed; a terminal says so by EIO
  return 0;
}

void ChildProcess::run(const std::vector<std::string>& command, const Options& options, int out, int err) {
  std::vector<char*> arguments;
  for (const std::string& argument : command)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork failed");
  if (pid_ > 0) return;
  for (const std::string& variable : options.environment)
    ::putenv(const_cast<char*>(variable.c_str()));
  if (options.terminal) ::dup2(out, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

ChildProcess::~ChildProcess() {
  if (ended_) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

int ChildProcess::wait() {
  const int status = wait_status();
  return status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int ChildProcess::wait_for_signal() {
  const int status = wait_status();
  return status >= 0 && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

// As waitpid() has it, or -1.
int ChildProcess::wait_status() {
  if (!run_until(event_, [&] { return !output_.source && !errors_.source; })) return -1;
  int status = 0;
  ::waitpid(pid_, &status, 0);
  ended_ = true;
  return status;
}

}  // namespace nvccd::test
