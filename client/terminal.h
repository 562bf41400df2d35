// What standard output and standard error may be used for.
#pragma once

#include <string>

namespace nvccd::client {

// Colours on standard output: a terminal that is not dumb, and no NO_COLOR.
bool want_colour();

// One line on standard error that is written over and over; nothing where that is not a terminal. The line is
// wiped at the end.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine() { wipe(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(const std::string& text);
  void wipe();

 private:
  bool terminal_;
  bool shown_ = false;
};

}  // namespace nvccd::client
