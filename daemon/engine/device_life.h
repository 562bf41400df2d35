// The life of one incarnation of a device as a pure state machine: what is known of it, and who has it.
//
// Doubt is the default. Every event advances the epoch unless its row in the table proves it harmless, and
// what is known counts only while its epoch is the present one. So nobody can forget to doubt: a new event
// doubts by itself.
//
// What is known and who has it are two variants and not one, because each pair of them exists: a device can
// be taken by a VM (Theirs) in every state of knowledge, and a worker (Ours) can look at one that is
// verified.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "common/model/error.h"
#include "common/model/mode.h"

namespace nvccd {

// Grows with everything that may have changed the device.
using Epoch = std::uint64_t;

// Rides on every work that a worker gets, and comes back with its result.
struct Ticket {
  std::uint64_t incarnation = 0;  // another card at the same address has another one
  Epoch epoch = 0;
  bool operator==(const Ticket&) const = default;
};

// ---- what is known ----

struct Unknown {  // nothing: it has to be looked at
  bool operator==(const Unknown&) const = default;
};
struct OutOfStep {  // its mailbox is, which a reset cures: the next look may do one
  bool operator==(const OutOfStep&) const = default;
};
struct Verified {  // active registers and stored knobs are those of this mode
  Mode mode = Mode::off;
  bool operator==(const Verified&) const = default;
};
struct Differs {  // registers and knobs are not those of the mode that was wanted when it was looked at
  std::optional<Mode> active;
  bool operator==(const Differs&) const = default;
};
struct Broken {  // it could not be read or changed
  Error error;
  std::optional<Mode> active;
  bool operator==(const Broken& other) const {
    return error.message() == other.error.message() && active == other.active;
  }
};
using Knowledge = std::variant<Unknown, OutOfStep, Verified, Differs, Broken>;

// ---- who has it ----

struct Free {
  bool operator==(const Free&) const = default;
};
struct Theirs {            // a VM, or anybody who is not us
  bool seen = false;       // to come; who was not will not be seen to go
  bool registers = false;  // mapped in sysfs, by another program; else through VFIO or another driver
  Error error;             // what it is in use by
  bool operator==(const Theirs& other) const { return seen == other.seen && registers == other.registers; }
};
enum class Work { look, change, bind, unbind, reset };
struct Ours {  // a worker has it
  Work work = Work::look;
  Ticket ticket;
  unsigned driver_events = 0;      // udev told of since the work began
  std::optional<Theirs> taken_by;  // whom the look is to find there still
  std::optional<Error> hangs;      // it was given up, and may come back all the same
  bool operator==(const Ours& other) const {
    return work == other.work && ticket == other.ticket && driver_events == other.driver_events &&
           taken_by == other.taken_by && hangs.has_value() == other.hangs.has_value();
  }
};
using Custody = std::variant<Free, Theirs, Ours>;

// ---- what happens ----

namespace event {
struct DriverEvent {};      // udev: it was bound or unbound
struct ErrorRecovery {};    // the kernel brought it, or a bridge above it, back from an error
struct Touched {};          // somebody opened its reset, config or resource0
struct RegistersOpened {};  // its resource0 in sysfs, by another program: it may talk to the mailbox
struct RegistersClosed {};  // likewise
struct EventsLost {};       // of any kind
struct MachineEnded {};     // a VM, which may have had nodes out of our sight
struct Resumed {};          // the host slept
struct NodeOpened {
  Error by = {.kind = ErrorKind::device_busy, .cause = "the device is in use by a VM"};
};  // its VFIO node, by somebody else
struct NodeClosed {};  // likewise
struct Recheck {};     // it is time to see whether one who was not seen to come is still there
struct LookAgain {};   // somebody asks for a look; or what is wanted has become something else
struct WorkStarted {
  Work work = Work::look;
  std::uint64_t incarnation = 0;
};
struct ResetBegins {};  // of a change
struct TimedOut {       // its worker, or that of its predecessor at the address
  Error error;
};
struct LookDone {
  Ticket ticket;
  Knowledge found;                 // without meaning when it is in use
  std::optional<Error> in_use;     // somebody else has it, so nothing of it was read
  bool seen_open = false;          // somebody else was seen to open it while we looked
  bool let_go = false;             // or to let go of it
  unsigned own_driver_events = 0;  // that our binding causes
};
struct ChangeDone {
  Ticket ticket;
  std::optional<Knowledge> found;  // nullopt: it was left as it was
  std::optional<Error> in_use;
};
struct GivenUp {  // the change that it needs
  Error error;
};
struct WorkEnded {};  // of a device job, or of a worker that was given up: a look has to tell what is
}  // namespace event

using Event = std::variant<event::DriverEvent, event::ErrorRecovery, event::Touched, event::RegistersOpened,
                           event::RegistersClosed, event::EventsLost, event::MachineEnded, event::Resumed,
                           event::NodeOpened, event::NodeClosed, event::Recheck, event::LookAgain,
                           event::WorkStarted, event::ResetBegins, event::TimedOut, event::LookDone,
                           event::ChangeDone, event::GivenUp, event::WorkEnded>;

class DeviceLife {
 public:
  // What follows from an event. Values; nothing is done.
  [[nodiscard]] DeviceLife on(const Event& event) const;

  // The mode in which it was verified, if nothing has happened since.
  std::optional<Mode> trusted() const;
  // What is known and still counts.
  const Knowledge& known() const;
  const Custody& custody() const { return custody_; }
  Epoch epoch() const { return epoch_; }

  bool ours() const { return std::holds_alternative<Ours>(custody_); }
  bool hangs() const;
  bool works_on(Work work) const;
  // Somebody else has it; also while a look finds out whether he still has.
  const Theirs* holder() const;
  // Nobody has it, and nothing is known that counts.
  bool needs_look() const;

  bool operator==(const DeviceLife&) const = default;

 private:
  struct Table;
  bool current() const { return as_of_ == epoch_; }
  void doubt() { ++epoch_; }
  void learn(Knowledge knowledge, Epoch as_of);

  Epoch epoch_ = 1;
  Knowledge knowledge_;
  Epoch as_of_ = 0;  // the epoch that knowledge_ is of; nothing is known at first
  Custody custody_;
  unsigned own_driver_events_ = 0;  // of our binding, which udev has yet to tell of
};

}  // namespace nvccd
