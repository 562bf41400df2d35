#include "law_world.h"

#include <fmt/format.h>

namespace nvccd::test {
namespace {

using namespace std::chrono_literals;

// An idle daemon accesses no register, so one does not wait for that for ever.
constexpr Duration patience_with_accesses = 20s;
// Longer than everything that has a limit, hangs included.
constexpr Duration time_to_end = 30min;
constexpr std::uint64_t most_steps = 8'000;

using Queue = Deliveries::Queue;

bool is_call(Happening what) {
  return what <= Happening::bind_setting;
}

}  // namespace

LawWorld::LawWorld(const Fleet& fleet) : fleet_(fleet) {
  node_.settings.mode.default_mode = Mode::on;
  for (unsigned n = 0; n < fleet.models.size(); ++n)
    node_.plug(n, fleet.models[n]);
  if (fleet.shared_group) node_.host->share_group(slot(1), slot(0));
  node_.on_daemon = [this] {
    laws_ = std::make_unique<Laws>(*node_.manager, *node_.host, truth_);
    if (looks_reset_) laws_->let_looks_reset();
  };

  node_.settings.transition.boot_timeout = 2s;
  node_.simulation->let_workers_sleep_through();
  EmulatedHost& host = *node_.host;
  host.on_touch = [this](const PciAddress& address, EmulatedHost::Touch touch) {
    // To be judged before anything else happens.
    if (touch == EmulatedHost::Touch::reset) node_.simulation->interrupt();
    if (laws_) laws_->touched(address.bus - 1U, touch, now());
  };
  host.on_driver_changed = [this](const PciAddress& address) {
    deliveries_.add(Queue::udev, now(), {},
                    [address](NodeManager& manager) { manager.device_driver_changed(address); });
  };
  host.on_vfio_node_now = [this](const std::string& node, bool opened) {
    if (vm_acts_on_ && !vm_is_seen_) return;
    deliveries_.add(Queue::nodes, now() + (vm_acts_on_ ? vm_event_late_ : Duration::zero()),
                    vm_acts_on_.value_or(std::vector<unsigned>{}), [node, opened](NodeManager& manager) {
                      opened ? manager.vfio_node_opened(node) : manager.vfio_node_closed(node);
                    });
  };
  host.on_step = [this](std::uint64_t) {
    if (!due_at_access_ || !is_due_at_this_access()) return;
    node_.simulation->interrupt();
    const Command command = *std::exchange(due_at_access_, std::nullopt);
    tell(describe(command));
    if (command.what == Happening::crash) node_.simulation->kill();
    happen(command);
  };
}

LawWorld::~LawWorld() {
  node_.host->on_touch = nullptr;
  node_.host->on_driver_changed = nullptr;
  node_.host->on_vfio_node_now = nullptr;
  node_.host->on_step = nullptr;
  laws_.reset();
  node_.stop_daemon();
}

void LawWorld::start_daemon() {
  truth_.daemon_started();
  node_.start_daemon();
  laws_->settings_loaded(now());
}

// With it everything ends that was on its way to it.
void LawWorld::crash() {
  take_broken();
  laws_.reset();
  node_.stop_daemon();
  node_.simulation->revive();
  deliveries_.clear();
  // A process that dies in a reset dies when the kernel has finished the reset.
  node_.simulation->wait_until(now() + Node::delays.reset);
  start_daemon();
}

void LawWorld::tell(const std::string& line) {
  story_ += fmt::format("{:>12.3f} s  {}\n", std::chrono::duration<double>(now()).count(), line);
}

void LawWorld::take_broken() {
  for (const auto& [law, details] : laws_->broken)
    if (broken_.try_emplace(law, details).second) tell(fmt::format("BROKEN {}: {}", law, details));
  laws_->broken.clear();
}

// One thing, whichever is next. False: nothing is left until then.
bool LawWorld::advance(Duration until) {
  const auto next_event = deliveries_.next_due();
  const auto next_work = node_.simulation->next_due();
  const bool event_first = next_event && *next_event <= until && (!next_work || *next_event <= *next_work);
  if (event_first) {
    node_.simulation->wait_until(*next_event);
    deliveries_.tell_next(*node_.manager);
  } else if (!node_.simulation->step(next_event ? std::min(until, *next_event) : until)) {
    if (!node_.simulation->killed()) return false;
    crash();
  }
  if (node_.simulation->killed()) crash();
  if (node_.simulation->loop_is_idle()) truth_.answers_taken();
  laws_->judge();
  take_broken();
  if (++steps_ > most_steps) throw std::runtime_error("it goes on and on");
  return true;
}

void LawWorld::pass(Duration time) {
  const auto until = now() + time;
  while (advance(until)) {
  }
  node_.simulation->wait_until(until);
}

std::uint64_t LawWorld::count(Moment moment) {
  std::uint64_t sum = 0;
  for (unsigned n = 0; n < slots_of_node; ++n) {
    if (!truth_.present(n)) continue;
    const auto& counters = node_.hardware(n).counters();
    sum += moment == Moment::staging ? counters.knob_writes : counters.function_level_resets;
  }
  return sum;
}

bool LawWorld::is_due_at_this_access() {
  if (due_at_access_->moment != Moment::any) return count(due_at_access_->moment) > counted_before_;
  return --accesses_left_ == 0;
}

bool LawWorld::wait_for(const Command& command) {
  if (!command.by_access()) {
    pass(std::chrono::milliseconds(command.wait));
    return false;
  }
  due_at_access_ = command;
  accesses_left_ = command.accesses;
  counted_before_ = count(command.moment);
  const auto until = now() + patience_with_accesses;
  while (due_at_access_ && advance(until)) {
  }
  return !std::exchange(due_at_access_, std::nullopt);
}

void LawWorld::run(const std::vector<Command>& commands) {
  try {
    start_daemon();
    for (const Command& command : commands) {
      if (!wait_for(command)) {
        tell(describe(command));
        if (command.what == Happening::crash) crash();
        happen(command);
      }
      if (is_call(command.what)) call(command);
      laws_->judge();
      take_broken();
    }
    finish();
  } catch (const std::exception& problem) {  // a broken promise inside of the daemon, or a loop without end
    broken_.try_emplace(std::string("L4 the daemon dies: ") + problem.what(), "");
    tell(problem.what());
    for (const auto& [address, device] : node_.manager->devices())
      tell(fmt::format("  {}: {} {}", to_string(address), to_string(device.state), device.error));
    if (const auto job = node_.manager->current_job()) tell(fmt::format("  job {} is the current one", *job));
  }
}

void LawWorld::finish() {
  tell("the end begins: faults are mended, VMs go, everything is told");
  for (unsigned n = 0; n < slots_of_node; ++n) {
    if (!truth_.present(n)) continue;
    node_.hardware(n).clear_faults();
    node_.host->let_binding_hang(slot(n), Duration::zero());
    node_.host->let_reset_hang(slot(n), Node::delays.reset);
    node_.host->let_driver_be_used(slot(n), false);
    if (truth_.held_by_vm(n)) let_vm(false, n, truth_.of(n).holder_seen, {});
  }
  deliveries_.hurry(now());
  pass(time_to_end);
  laws_->judge_end(node_.settled);
  take_broken();

  tell("the power of every device is cut, and everything is looked at again");
  for (unsigned n = 0; n < slots_of_node; ++n)
    if (truth_.present(n)) happen({.what = Happening::power_cut, .device = n});
  pass(1s);
  node_.manager->rescan();
  pass(time_to_end);
  laws_->judge_end(node_.settled);
  laws_->judge_mended();
  take_broken();
}

}  // namespace nvccd::test
