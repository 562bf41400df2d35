// The program as a child process, in a directory of its own.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/base/fd.h"
#include "tests/emulator/clock.h"

namespace emulator::server::test {

struct Finished {
  int status = -1;  // exit status; negative: ended by that signal
  std::string output;
  std::string errors;
};

// Runs the program to its end.
Finished run_program(const std::vector<std::string>& arguments);

class ServerProcess {
 public:
  // Returns when the server says that it serves; throws when it ends instead.
  ServerProcess(const std::filesystem::path& directory, std::vector<std::string> arguments);
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;
  ~ServerProcess();

  // Sends a signal and waits; the exit status, negative for a signal.
  int end(int signal);
  nlohmann::json ask(const nlohmann::json& request) const;
  // As ask(), of one device; throws when the answer is not ok.
  nlohmann::json status(const std::string& device) const;
  std::vector<nlohmann::json> events() const;
  std::filesystem::path socket(const std::string& name) const { return directory_ / (name + ".sock"); }

 private:
  std::filesystem::path directory_;
  int pid_ = -1;
};

}  // namespace emulator::server::test
