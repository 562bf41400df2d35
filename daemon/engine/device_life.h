// The life of one incarnation of a device as a pure state machine: what is known of it, and who has it.
//
// Doubt is the default. Every event advances the epoch unless its row in the table proves it harmless, and
// what is known counts only while its epoch is the present one. So nobody can forget to doubt: a new event
// doubts by itself.
//
// What is known and who has the device are two variants and not one, because each pair of them exists: a VM
// can have a device (Theirs) in every state of knowledge, and a worker (Ours) can look at a verified device.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "common/model/error.h"
#include "common/model/mode.h"

namespace nvccd {

// Grows with everything that may have changed the device.
using Epoch = std::uint64_t;

// Given to a worker with each piece of work; comes back with the result.
struct Ticket {
  std::uint64_t incarnation = 0;  // another card at the same address has another number
  Epoch epoch = 0;
  bool operator==(const Ticket&) const = default;
};

// ---- what is known ----

struct Unknown {  // nothing is known: the device has to be looked at
  bool operator==(const Unknown&) const = default;
};
struct OutOfStep {  // the mailbox is out of step, which a reset cures: the next look may reset the device
  bool operator==(const OutOfStep&) const = default;
};
struct Verified {  // active registers and stored knobs are those of this mode
  Mode mode = Mode::off;
  bool operator==(const Verified&) const = default;
};
struct Differs {  // registers and knobs are not those of the mode that was wanted at the time of the look
  std::optional<Mode> active;
  bool operator==(const Differs&) const = default;
};
struct Broken {  // the device could not be read or changed
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
struct Theirs {            // a VM, or any other user that is not us
  bool seen = false;       // seen to come; a holder who was not will not be seen to go
  bool registers = false;  // mapped in sysfs, by another program; false: through VFIO or another driver
  Error error;             // says what uses the device
  bool operator==(const Theirs& other) const { return seen == other.seen && registers == other.registers; }
};
enum class Work { look, change, bind, unbind, reset };
struct Ours {  // a worker has it
  Work work = Work::look;
  Ticket ticket;
  unsigned driver_events = 0;      // that udev has sent since the work began
  std::optional<Theirs> taken_by;  // the holder when the work began; a look finds out whether it still is
  std::optional<Error> hangs;      // the worker was given up, and may still come back
  bool operator==(const Ours& other) const {
    return work == other.work && ticket == other.ticket && driver_events == other.driver_events &&
           taken_by == other.taken_by && hangs.has_value() == other.hangs.has_value();
  }
};
using Custody = std::variant<Free, Theirs, Ours>;

// ---- what happens ----

namespace event {
struct DriverEvent {};      // udev: the device was bound or unbound
struct ErrorRecovery {};    // the kernel brought the device, or a bridge above it, back from an error
struct Touched {};          // somebody opened the device's reset, config or resource0
struct RegistersOpened {};  // another program opened resource0 in sysfs: it may talk to the mailbox
struct RegistersClosed {};  // that program has closed resource0
struct EventsLost {};       // events of any kind were lost
struct MachineEnded {};     // a VM ended, which may have had nodes out of our sight
struct Resumed {};          // the host slept
struct NodeOpened {
  Error by = {.kind = ErrorKind::device_busy, .cause = "the device is in use by a VM"};
};  // somebody else opened the VFIO node
struct NodeClosed {};  // somebody else closed the VFIO node
struct Recheck {};     // time to find out whether a holder who was not seen to come is still there
struct LookAgain {};   // somebody asks for a look; or what is wanted has become something else
struct WorkStarted {
  Work work = Work::look;
  std::uint64_t incarnation = 0;
};
struct ResetBegins {};  // a change is about to reset the device
struct TimedOut {       // the worker, or that of the device's predecessor at the address
  Error error;
};
struct LookDone {
  Ticket ticket;
  Knowledge found;                 // without meaning when `in_use` is set
  std::optional<Error> in_use;     // somebody else has the device, so nothing was read
  bool seen_open = false;          // somebody else was seen to open the node during the look
  bool let_go = false;             // or to close it
  unsigned own_driver_events = 0;  // that our own binding causes
};
struct ChangeDone {
  Ticket ticket;
  std::optional<Knowledge> found;  // nullopt: the device was left as it was
  std::optional<Error> in_use;
};
struct GivenUp {  // the change that the device needs was given up
  Error error;
};
struct WorkEnded {};  // of a device job, or of a worker that was given up: a look has to find out what is
}  // namespace event

using Event = std::variant<event::DriverEvent, event::ErrorRecovery, event::Touched, event::RegistersOpened,
                           event::RegistersClosed, event::EventsLost, event::MachineEnded, event::Resumed,
                           event::NodeOpened, event::NodeClosed, event::Recheck, event::LookAgain,
                           event::WorkStarted, event::ResetBegins, event::TimedOut, event::LookDone,
                           event::ChangeDone, event::GivenUp, event::WorkEnded>;

class DeviceLife {
 public:
  // The life after an event. Only computes a value; nothing is done.
  [[nodiscard]] DeviceLife on(const Event& event) const;

  // The mode in which the device was verified, if nothing has happened since.
  std::optional<Mode> trusted() const;
  // What is known and still counts.
  const Knowledge& known() const;
  const Custody& custody() const { return custody_; }
  Epoch epoch() const { return epoch_; }

  bool ours() const { return std::holds_alternative<Ours>(custody_); }
  bool hangs() const;
  bool works_on(Work work) const;
  // Who else has the device; also while a look finds out whether that is still so. nullptr: nobody.
  const Theirs* holder() const;
  // Nobody has the device, and nothing is known of it that counts.
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
  unsigned own_driver_events_ = 0;  // events of our own binding that udev has yet to send
};

}  // namespace nvccd
