#include "server_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <stdexcept>

#include "tests/emulator/server/control_client.h"

extern char** environ;

namespace emulator::server::test {

namespace {

struct Pipe {
  nvccd::UniqueFd read;
  nvccd::UniqueFd write;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
  return {nvccd::UniqueFd(ends[0]), nvccd::UniqueFd(ends[1])};
}

int spawn(std::vector<std::string> arguments, const Pipe& output, const Pipe& errors) {
  std::string program = NVCCD_EMULATOR_PROGRAM;
  std::vector<char*> argv{program.data()};
  for (std::string& argument : arguments)
    argv.push_back(argument.data());
  argv.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, output.write.get(), STDOUT_FILENO);
  if (errors.write) ::posix_spawn_file_actions_adddup2(&actions, errors.write.get(), STDERR_FILENO);
  int pid = -1;
  const int result = ::posix_spawn(&pid, program.c_str(), &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (result != 0) throw std::runtime_error("cannot start " + program);
  return pid;
}

std::string read_all(const nvccd::UniqueFd& fd) {
  std::string text;
  std::array<char, 4096> buffer;
  for (ssize_t count; (count = ::read(fd.get(), buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return text;
}

int wait_for(int pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace

Finished run_program(const std::vector<std::string>& arguments) {
  Pipe output = make_pipe();
  Pipe errors = make_pipe();
  const int pid = spawn(arguments, output, errors);
  output.write.reset();
  errors.write.reset();
  Finished finished;
  finished.output = read_all(output.read);
  finished.errors = read_all(errors.read);
  finished.status = wait_for(pid);
  return finished;
}

ServerProcess::ServerProcess(const std::filesystem::path& directory, std::vector<std::string> arguments)
    : directory_(directory) {
  arguments.insert(arguments.begin(), {"--dir", directory.string()});
  Pipe output = make_pipe();
  pid_ = spawn(std::move(arguments), output, {});
  output.write.reset();
  char first = 0;
  if (::read(output.read.get(), &first, 1) != 1) {
    wait_for(pid_);
    throw std::runtime_error("the server ended before it served");
  }
}

ServerProcess::~ServerProcess() {
  if (pid_ > 0) end(SIGKILL);
}

int ServerProcess::end(int signal) {
  ::kill(pid_, signal);
  const int status = wait_for(pid_);
  pid_ = -1;
  return status;
}

nlohmann::json ServerProcess::ask(const nlohmann::json& request) const {
  const auto answer = server::ask(socket("control"), request.dump());
  if (!answer) throw std::runtime_error(answer.error());
  return nlohmann::json::parse(*answer);
}

nlohmann::json ServerProcess::status(const std::string& device) const {
  const auto answer = ask({{"op", "status"}, {"device", device}});
  if (!answer.at("ok").get<bool>()) throw std::runtime_error(answer.at("error").get<std::string>());
  return answer;
}

std::vector<nlohmann::json> ServerProcess::events() const {
  std::vector<nlohmann::json> events;
  std::ifstream file(directory_ / "events.jsonl");
  for (std::string line; std::getline(file, line);)
    events.push_back(nlohmann::json::parse(line));
  return events;
}

}  // namespace emulator::server::test
