// libcurl of which one call fails, counted from the beginning of this object. It stands in front of the real
// one for the whole program that it is linked to.
#pragma once

namespace nvccd::test {

class CurlFaults {
 public:
  // Only calls that set something up are counted, or with `while_running` only those that go on with it.
  explicit CurlFaults(unsigned failing_call, bool while_running = false);
  CurlFaults(const CurlFaults&) = delete;
  CurlFaults& operator=(const CurlFaults&) = delete;
  ~CurlFaults();

  // The call was made, and has failed.
  bool happened() const { return calls_ > failing_call_; }
  bool fails(bool running) { return running == while_running_ && calls_++ == failing_call_; }

 private:
  unsigned failing_call_;
  bool while_running_;
  unsigned calls_ = 0;
};

}  // namespace nvccd::test
