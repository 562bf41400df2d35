#include "daemon/engine/device_life.h"

#include <utility>

namespace nvccd {
namespace {

const Knowledge nothing = Unknown{};

}  // namespace

// One function for each event: the row of the table. `life` is already the next state, with the epoch
// advanced; a row that proves its event harmless takes the advance back.
struct DeviceLife::Table {
  DeviceLife& life;
  bool was_trusted;

  void harmless() { --life.epoch_; }
  Ours* ours() { return std::get_if<Ours>(&life.custody_); }

  // Our own binding causes such events too; each of them is expected once.
  void operator()(const event::DriverEvent&) {
    // A look at a verified device binds nothing.
    if (Ours* const work = ours(); work != nullptr && work->work == Work::look && !was_trusted) {
      ++work->driver_events;
      return harmless();  // until the look is back and says how many events were its own
    }
    if (life.own_driver_events_ == 0) return;
    --life.own_driver_events_;
    harmless();
  }
  void operator()(const event::ErrorRecovery&) {}
  void operator()(const event::Touched&) {}
  void operator()(const event::Resumed&) {}
  void operator()(const event::LookAgain&) {}

  // No look before the program has gone: two users of one mailbox take each other's replies.
  void operator()(const event::RegistersOpened&) {
    if (!std::holds_alternative<Free>(life.custody_)) return;
    life.custody_ =
        Theirs{.seen = true,
               .registers = true,
               .error = {.kind = ErrorKind::device_busy,
                         .cause = "another program on this host has the device's registers open",
                         .advice = "wait until it ends (fuser -v on the device's resource0 names it)"}};
  }
  void operator()(const event::RegistersClosed&) {
    const auto* theirs = std::get_if<Theirs>(&life.custody_);
    if (theirs != nullptr && theirs->registers) life.custody_ = Free{};
  }

  // A holder who was seen to come may have gone unseen.
  void operator()(const event::EventsLost&) {
    life.own_driver_events_ = 0;
    if (std::holds_alternative<Theirs>(life.custody_)) life.custody_ = Free{};
  }
  // A holder who was seen to open the node will be seen to close it.
  void operator()(const event::MachineEnded&) {
    if (const auto* theirs = std::get_if<Theirs>(&life.custody_)) {
      if (theirs->seen) return harmless();
      life.custody_ = Free{};
    }
  }

  // The holder got the device as it was verified. While a worker of ours has the node, nobody else's opening
  // succeeds; what happens just before and after is accounted for when the worker is back (GroupUse).
  void operator()(const event::NodeOpened& opened) {
    harmless();
    if (ours() != nullptr) return;
    if (auto* theirs = std::get_if<Theirs>(&life.custody_))
      theirs->seen = true;
    else
      life.custody_ = Theirs{.seen = true, .registers = false, .error = opened.by};
  }
  void operator()(const event::NodeClosed&) {
    if (ours() == nullptr) life.custody_ = Free{};
  }
  // To ask whether the holder is still there changes nothing.
  void operator()(const event::Recheck&) { harmless(); }

  void operator()(const event::WorkStarted& started) {
    harmless();
    Ours work{.work = started.work,
              .ticket = {.incarnation = started.incarnation, .epoch = life.epoch_},
              .driver_events = 0,
              .taken_by = std::nullopt,
              .hangs = std::nullopt};
    if (const auto* theirs = std::get_if<Theirs>(&life.custody_)) work.taken_by = *theirs;
    life.custody_ = std::move(work);
  }
  void operator()(const event::ResetBegins&) {
    // The epoch stays that of the change, so that the result of the change counts.
    harmless();
    life.learn(Unknown{}, life.epoch_);
  }
  void operator()(const event::TimedOut& timed_out) {
    if (Ours* const work = ours())
      work->hangs = timed_out.error;
    else
      life.learn(Broken{.error = timed_out.error, .active = std::nullopt}, life.epoch_);
  }

  void operator()(const event::LookDone& done) {
    harmless();
    Ours* const work = ours();
    if (work == nullptr || work->ticket != done.ticket) return;
    const auto was_taken_by = std::exchange(work->taken_by, std::nullopt);
    const unsigned seen = work->driver_events;
    life.custody_ = Free{};
    if (seen > done.own_driver_events)
      life.doubt();  // somebody else changed the driver, too
    else
      life.own_driver_events_ = done.own_driver_events - seen;
    if (!done.in_use) return found(done.found, done.ticket.epoch);
    const bool still_there = was_taken_by && was_taken_by->seen && !done.let_go;
    life.custody_ = Theirs{.seen = done.seen_open || still_there, .registers = false, .error = *done.in_use};
    // A holder who was not seen to come, or who came after another one, may not be the first since the device
    // was verified.
    if (done.let_go || !(done.seen_open || still_there)) life.learn(Unknown{}, life.epoch_);
  }

  // Verified counts only if nothing has happened since the work began; everything else always counts.
  void found(const Knowledge& knowledge, Epoch as_of) {
    if (std::holds_alternative<Verified>(knowledge) && as_of != life.epoch_)
      life.learn(Unknown{}, as_of);
    else
      life.learn(knowledge, as_of);
  }

  void operator()(const event::ChangeDone& done) {
    harmless();
    Ours* const work = ours();
    if (work == nullptr || work->ticket != done.ticket) return;
    life.custody_ = Free{};
    if (done.found) found(*done.found, done.ticket.epoch);
    if (!done.in_use) return;
    life.custody_ = Theirs{.seen = false, .registers = false, .error = *done.in_use};
    life.learn(Unknown{}, life.epoch_);
  }
  void operator()(const event::GivenUp& given_up) {
    life.learn(Broken{.error = given_up.error, .active = life.trusted()}, life.epoch_);
  }
  void operator()(const event::WorkEnded&) {
    if (ours() != nullptr) life.custody_ = Free{};
  }
};

DeviceLife DeviceLife::on(const Event& event) const {
  DeviceLife next = *this;
  next.doubt();
  std::visit(Table{next, trusted().has_value()}, event);
  return next;
}

void DeviceLife::learn(Knowledge knowledge, Epoch as_of) {
  knowledge_ = std::move(knowledge);
  as_of_ = as_of;
}

const Knowledge& DeviceLife::known() const {
  return current() ? knowledge_ : nothing;
}

std::optional<Mode> DeviceLife::trusted() const {
  const auto* verified = std::get_if<Verified>(&known());
  return verified != nullptr ? std::optional(verified->mode) : std::nullopt;
}

bool DeviceLife::hangs() const {
  const auto* work = std::get_if<Ours>(&custody_);
  return work != nullptr && work->hangs;
}

bool DeviceLife::works_on(Work work) const {
  const auto* ours = std::get_if<Ours>(&custody_);
  return ours != nullptr && ours->work == work;
}

const Theirs* DeviceLife::holder() const {
  if (const auto* theirs = std::get_if<Theirs>(&custody_)) return theirs;
  const auto* ours = std::get_if<Ours>(&custody_);
  return ours != nullptr && ours->taken_by ? &*ours->taken_by : nullptr;
}

bool DeviceLife::needs_look() const {
  if (!std::holds_alternative<Free>(custody_)) return false;
  return !current() || std::holds_alternative<Unknown>(knowledge_) ||
         std::holds_alternative<OutOfStep>(knowledge_);
}

}  // namespace nvccd
