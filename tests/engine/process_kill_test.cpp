// The engine in a process of its own, killed with SIGKILL by the process that has the hardware, at every
// access of a change; a new process then finds what the first has left.
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <csignal>
#include <iostream>

#include "common/base/fd.h"
#include "node_fixture.h"
#include "remote_device.h"

namespace nvccd::test {
namespace {

using emulator::Model;

struct Story {
  const char* name;
  std::vector<Model> models;
  Mode to;
  std::uint64_t stride;  // 1: every access
};

// What the engine's process does. Never returns.
[[noreturn]] void run_engine(const Story& story, const std::filesystem::path& directory, int socket,
                             bool change) {
  Node node(directory);
  for (unsigned n = 0; n < story.models.size(); ++n)
    node.host->plug(slot(n), story.models[n],
                    make_remote_device(socket, n, story.models[n], *node.simulation), Node::delays);
  node.start_daemon();
  if (change) {
    node.run();
    send_begin(socket, *node.simulation);
    if (!node.manager->set_mode(story.to, {})) ::_exit(2);
  }
  if (node.manager->node().ready) ::_exit(3);  // nothing was verified yet
  node.run();
  const auto& state = node.manager->node();
  ::_exit(node.settled && state.mode_state == to_mode_state(story.to) ? 0 : 1);
}

class Hardware {
 public:
  explicit Hardware(const Story& story) : story_(story) {
    for (const Model model : story.models)
      devices_.push_back(emulator::make_device(model, clock_, Node::delays));
  }

  // Runs an engine until it ends, or kills it at that access. The engine's exit status; nullopt: killed.
  std::optional<int> run_engine_process(bool change, std::uint64_t kill_at) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    UniqueFd ours(ends[0]);
    UniqueFd theirs(ends[1]);
    const pid_t process = ::fork();
    if (process == 0) {
      ours.reset();
      run_engine(story_, directory_.path(), theirs.get(), change);
    }
    theirs.reset();
    if (serve_accesses(ours.get(), devices_, clock_, kill_at)) ::kill(process, SIGKILL);
    int status = 0;
    ::waitpid(process, &status, 0);
    // A process that dies in the middle of a reset dies when the kernel has finished the reset.
    clock_.advance(Node::delays.reset);
    if (WIFSIGNALED(status)) return std::nullopt;
    return WEXITSTATUS(status);
  }

  bool is_in(Mode mode) const {
    for (std::size_t n = 0; n < devices_.size(); ++n)
      if (devices_[n]->active_mode() != expected_mode(story_.models[n], mode) || !devices_[n]->booted())
        return false;
    return true;
  }

 private:
  const Story& story_;
  TemporaryDirectory directory_;
  emulator::ManualClock clock_;
  std::vector<std::unique_ptr<emulator::Device>> devices_;
};

class ProcessKill : public testing::TestWithParam<Story> {};

TEST_P(ProcessKill, ConvergesInANewProcess) {
  const Story& story = GetParam();
  std::uint64_t points = 0;
  for (std::uint64_t kill_at = 1;; kill_at += story.stride) {
    Hardware hardware(story);
    const auto first = hardware.run_engine_process(true, kill_at);
    if (first) {  // the change was over before that access
      EXPECT_EQ(*first, 0);
      EXPECT_TRUE(hardware.is_in(story.to));
      break;
    }
    ++points;
    const auto second = hardware.run_engine_process(false, 0);
    ASSERT_EQ(second, 0) << "killed at access " << kill_at;
    ASSERT_TRUE(hardware.is_in(story.to)) << "killed at access " << kill_at;
  }
  EXPECT_GT(points, 30);
  std::cout << fmt::format("{}: {} points of SIGKILL\n", story.name, points);
}

INSTANTIATE_TEST_SUITE_P(
    Engine, ProcessKill,
    testing::Values(Story{"hopper_off_to_on", {Model::gh100, Model::ls10, Model::gh100}, Mode::on, 1},
                    Story{"hopper_off_to_ppcie", {Model::gh100, Model::ls10}, Mode::ppcie, 7},
                    Story{"blackwell_off_to_devtools", {Model::gb100, Model::gb202}, Mode::devtools, 7}),
    [](const auto& story) { return std::string(story.param.name); });

}  // namespace
}  // namespace nvccd::test
