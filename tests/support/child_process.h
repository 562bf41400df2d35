// A program under test, beside the test's event loop.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/base/event.h"
#include "common/base/fd.h"

namespace nvccd::test {

class ChildProcess {
 public:
  struct Options {
    std::vector<std::string> environment = {};  // "NAME=value", besides that of the test
    bool terminal = false;                      // standard input, output and error are one terminal
    unsigned short columns = 80;                // of the terminal
  };

  ChildProcess(sd_event* event, const std::vector<std::string>& command, const Options& options);
  ~ChildProcess();  // kills it if it still runs
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Runs the loop until the program has ended; its exit status, or -1 if it does not end or was killed.
  int wait();
  // The same of a program that is ended by a signal: which one, or 0 if it was not.
  int wait_for_signal();
  // What it has written, as far as the loop has read it. With a terminal all is output.
  const std::string& output() const { return output_.text; }
  const std::string& error_output() const { return errors_.text; }
  pid_t pid() const { return pid_; }
  int terminal() const { return output_.fd.get(); }  // our end of it
  // As when somebody pulls at the window.
  void resize_terminal(unsigned short columns);

 private:
  // What comes out of one end of the program.
  struct Stream {
    UniqueFd fd = {};
    EventSourcePtr source = {};
    std::string text = {};
  };

  UniqueFd open_pipe(Stream& stream);
  UniqueFd open_terminal(Stream& stream);
  void listen(Stream& stream);
  int wait_status();
  void run(const std::vector<std::string>& command, const Options& options, int out, int err);
  static int on_readable(sd_event_source* source, int fd, std::uint32_t events, void* userdata);

  sd_event* event_;
  pid_t pid_ = -1;
  bool ended_ = false;
  Stream output_;
  Stream errors_;
};

}  // namespace nvccd::test
