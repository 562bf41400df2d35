// The life of a device: every state and every event, as a table that is also in the documentation, and what
// must hold in all of it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "daemon/engine/device_life.h"

namespace nvccd {
namespace {

constexpr std::uint64_t incarnation = 7;
const Error error{.kind = ErrorKind::hardware_failed, .cause = "it does not answer"};

struct NamedEvent {
  std::string name;
  std::function<Event(const DeviceLife&)> make;
};

Ticket ticket_of(const DeviceLife& life) {
  const auto* ours = std::get_if<Ours>(&life.custody());
  return ours != nullptr ? ours->ticket : Ticket{};
}

event::LookDone look(const DeviceLife& life, Knowledge found) {
  return {.ticket = ticket_of(life),
          .found = std::move(found),
          .in_use = {},
          .seen_open = false,
          .let_go = false,
          .own_driver_events = 0};
}

template <typename Kind>
NamedEvent simple(std::string name) {
  return {std::move(name), [](const DeviceLife&) { return Kind{}; }};
}

std::vector<NamedEvent> all_events() {
  return {
      simple<event::DriverEvent>("driver event"),
      simple<event::ErrorRecovery>("error recovery"),
      simple<event::Touched>("reset or config written by another"),
      simple<event::RegistersOpened>("registers opened by another"),
      simple<event::RegistersClosed>("registers closed by another"),
      simple<event::EventsLost>("events lost"),
      simple<event::MachineEnded>("a VM ended"),
      simple<event::Resumed>("resumed"),
      simple<event::NodeOpened>("VFIO node opened by another"),
      simple<event::NodeClosed>("VFIO node closed by another"),
      simple<event::Recheck>("time to recheck"),
      simple<event::LookAgain>("asked for a look, new wish"),
      {"look begins", [](const DeviceLife&) { return event::WorkStarted{Work::look, incarnation}; }},
      {"change begins", [](const DeviceLife&) { return event::WorkStarted{Work::change, incarnation}; }},
      simple<event::ResetBegins>("its reset begins"),
      {"worker out of time", [](const DeviceLife&) { return event::TimedOut{error}; }},
      {"look says verified", [](const DeviceLife& life) { return look(life, Verified{Mode::on}); }},
      {"look says differs", [](const DeviceLife& life) { return look(life, Differs{Mode::off}); }},
      {"look says broken", [](const DeviceLife& life) { return look(life, Broken{error, {}}); }},
      {"look finds it in use",
       [](const DeviceLife& life) {
         auto done = look(life, Unknown{});
         done.in_use = error;
         return done;
       }},
      {"change succeeded",
       [](const DeviceLife& life) { return event::ChangeDone{ticket_of(life), Verified{Mode::on}, {}}; }},
      {"change failed",
       [](const DeviceLife& life) { return event::ChangeDone{ticket_of(life), Broken{error, {}}, {}}; }},
      {"change undone", [](const DeviceLife& life) { return event::ChangeDone{ticket_of(life), {}, {}}; }},
      {"change given up", [](const DeviceLife&) { return event::GivenUp{error}; }},
      simple<event::WorkEnded>("other work ended"),
  };
}

DeviceLife after(DeviceLife life, const std::vector<Event>& events) {
  for (const auto& event : events)
    life = life.on(event);
  return life;
}

// In each state of knowledge, by a look.
std::vector<DeviceLife> all_knowledge() {
  const auto looking = DeviceLife().on(event::WorkStarted{Work::look, incarnation});
  std::vector<DeviceLife> lives = {DeviceLife()};
  for (const Knowledge& found : {Knowledge(Verified{Mode::on}), Knowledge(Differs{Mode::off}),
                                 Knowledge(Broken{error, {}}), Knowledge(OutOfStep{})})
    lives.push_back(looking.on(look(looking, found)));
  return lives;
}

std::vector<DeviceLife> all_states() {
  const Event look_begins = event::WorkStarted{Work::look, incarnation};
  const Event change_begins = event::WorkStarted{Work::change, incarnation};
  std::vector<DeviceLife> lives;
  for (const auto& known : all_knowledge()) {
    lives.push_back(known);
    lives.push_back(known.on(event::NodeOpened{}));
    lives.push_back(known.on(look_begins));
    lives.push_back(known.on(change_begins));
    lives.push_back(after(known, {look_begins, event::TimedOut{error}}));
  }
  // Found in use by one who was not seen to come, by a look; and by one at its registers.
  const auto looking = DeviceLife().on(look_begins);
  auto taken = look(looking, Unknown{});
  taken.in_use = error;
  lives.push_back(looking.on(taken));
  lives.push_back(DeviceLife().on(event::RegistersOpened{}));
  return lives;
}

std::string name_of(const DeviceLife& life) {
  const auto custody = [&]() -> std::string {
    if (std::holds_alternative<Free>(life.custody())) return "free";
    if (const auto* theirs = std::get_if<Theirs>(&life.custody()))
      return theirs->registers ? "theirs(registers)" : theirs->seen ? "theirs" : "theirs(unseen)";
    return life.hangs() ? "hung" : life.works_on(Work::look) ? "look" : "change";
  }();
  const char* const known[] = {"unknown", "out-of-step", "verified", "differs", "broken"};
  return custody + " " + known[life.known().index()];
}

std::string table() {
  std::string text;
  const auto states = all_states();
  for (const auto& event : all_events()) {
    text += "\n" + event.name + "\n";
    for (const auto& life : states)
      text += fmt::format("  {:<26} -> {}\n", name_of(life), name_of(life.on(event.make(life))));
  }
  return text;
}

TEST(DeviceLifeTable, IsThatOfTheDocumentation) {
  std::ifstream file(NVCCD_SOURCE_DIR "/docs/device-life.txt");
  std::stringstream documented;
  documented << file.rdbuf();
  const auto text = documented.str();
  const auto begin = text.find("\ndriver event\n");
  ASSERT_NE(begin, std::string::npos) << "docs/device-life.txt has no table; it has to be:\n" << table();
  EXPECT_EQ(text.substr(begin), table());
}

// The law, over the whole table: only a result that nothing has overtaken makes a device trusted.
TEST(DeviceLifeTable, TrustIsNeverRaisedButByAResult) {
  for (const auto& life : all_states())
    for (const auto& event : all_events()) {
      const auto next = life.on(event.make(life));
      const bool result = event.name == "look says verified" || event.name == "change succeeded";
      if (life.trusted() || !next.trusted()) continue;
      EXPECT_TRUE(result && life.ours()) << name_of(life) << ", " << event.name;
    }
}

TEST(DeviceLifeTable, WhatMayHaveChangedTheDeviceEndsTrust) {
  const std::set<std::string> harmless = {
      "driver event",  // while a look runs, which counts them; every other
      "a VM ended",    // of one whose holder was seen to come
      "VFIO node opened by another",
      "time to recheck",
      "look begins",
      "change begins",
      "look says verified",
      "change undone",
      "look finds it in use",
      "change succeeded",
      "other work ended",
      "look says differs",
      "look says broken",
      "change failed",
  };
  unsigned ended = 0;
  for (const auto& life : all_states())
    for (const auto& event : all_events()) {
      if (!life.trusted() || harmless.contains(event.name)) continue;
      EXPECT_FALSE(life.on(event.make(life)).trusted()) << name_of(life) << ", " << event.name;
      ++ended;
    }
  EXPECT_GT(ended, 30U);
}

// While a worker looks, whatever may have changed the device overtakes its "yes", and its "no" counts all the
// same.
TEST(DeviceLifeTable, AnEventOvertakesAYesAndNotANo) {
  for (const auto& event : all_events()) {
    const auto looking = DeviceLife().on(event::WorkStarted{Work::look, incarnation});
    const auto overtaken = looking.on(event.make(looking));
    if (!overtaken.works_on(Work::look)) continue;
    const auto yes = overtaken.on(look(looking, Verified{Mode::on}));
    if (overtaken.epoch() != looking.epoch()) {
      EXPECT_FALSE(yes.trusted()) << event.name;
      EXPECT_TRUE(yes.needs_look()) << event.name;
    }
  }
  const auto trusted = all_knowledge().at(1);
  ASSERT_TRUE(trusted.trusted());
  const auto looking = after(trusted, {event::WorkStarted{Work::look, incarnation}, event::ErrorRecovery{}});
  EXPECT_FALSE(looking.trusted());
  EXPECT_FALSE(looking.on(look(looking, Broken{error, {}})).trusted());
}

TEST(DeviceLifeTable, AResultOfAnotherIncarnationIsDropped) {
  const auto looking = DeviceLife().on(event::WorkStarted{Work::look, incarnation});
  auto late = look(looking, Verified{Mode::on});
  late.ticket.incarnation = incarnation - 1;
  EXPECT_TRUE(looking.on(late).works_on(Work::look));
  EXPECT_FALSE(looking.on(late).trusted());
}

// Each driver event that our own binding causes is expected once, whether it comes during the look or after
// it.
TEST(DeviceLifeTable, OurOwnBindingIsNoReasonToDoubtAndAnyOtherIs) {
  for (unsigned during = 0; during <= 3; ++during) {
    auto life = DeviceLife().on(event::WorkStarted{Work::look, incarnation});
    for (unsigned n = 0; n < during; ++n)
      life = life.on(event::DriverEvent{});
    auto done = look(life, Verified{Mode::on});
    done.own_driver_events = 2;
    life = life.on(done);
    EXPECT_EQ(life.trusted().has_value(), during <= 2) << during;
    for (unsigned n = during; n < 2; ++n)
      life = life.on(event::DriverEvent{});
    EXPECT_EQ(life.trusted().has_value(), during <= 2) << during;
    EXPECT_FALSE(life.on(event::DriverEvent{}).trusted()) << during;
  }
}

TEST(DeviceLifeTable, ADeviceThatWasVerifiedAndSeenToBeTakenStaysSo) {
  const auto taken = all_knowledge().at(1).on(event::NodeOpened{});
  EXPECT_TRUE(taken.trusted());
  EXPECT_TRUE(taken.on(event::MachineEnded{}).trusted()) << "another VM's end concerns it not";
  EXPECT_FALSE(taken.on(event::ErrorRecovery{}).trusted());
  EXPECT_FALSE(taken.on(event::NodeClosed{}).trusted());
}

}  // namespace
}  // namespace nvccd
