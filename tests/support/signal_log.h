// What nvccd signals, as a client hears it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "private_bus.h"

namespace nvccd::test {

// The value at the message's current position as text: "on", "0.4", "true", "[/a /b]".
std::string read_value(sd_bus_message* message);

struct Signal {
  std::string member;
  std::string path;       // of the object that it is about
  std::string arguments;  // of JobNew and JobRemoved: "1 /org/nvccd1/job/1 done"
  // Of PropertiesChanged and InterfacesAdded.
  std::map<std::string, std::string> changed = {};

  // "PropertiesChanged /org/nvccd1 Ready", "JobNew 1 /org/nvccd1/job/1"
  std::string line() const;
};

class SignalLog {
 public:
  // Hears everything from now on.
  explicit SignalLog(Client& client);
  SignalLog(const SignalLog&) = delete;
  SignalLog& operator=(const SignalLog&) = delete;

  std::vector<Signal> signals;

  std::vector<std::string> lines() const;
  bool contains(const std::string& line) const;
  // Every value that was signalled of a property, in order.
  std::vector<std::string> values(const std::string& path, const std::string& property) const;
  // The result of a job, "" while it has not ended.
  std::string result(const std::string& job) const;

 private:
  static int note(sd_bus_message* message, void* userdata, sd_bus_error* error);

  BusSlotPtr slot_;
};

}  // namespace nvccd::test
