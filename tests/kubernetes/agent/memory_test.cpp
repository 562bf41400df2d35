// What the agent remembers after each thing that can happen to it.
#include "kubernetes/node-agent/memory.h"

#include <gtest/gtest.h>

#include <functional>

namespace nvccd::agent {
namespace {

const Change ppcie = SetMode{"ppcie"};
constexpr auto our_path = "/org/nvccd1/job/7";

// With everything that can be remembered.
Memory full() {
  return {.wish = {Wish::Kind::mode, "ppcie"},
          .check = Check{.change = ppcie, .affects = true},
          .refusal = Refusal{.change = ppcie, .message = "no"},
          .devices = {"0000:65:00.0", "0000:66:00.0"},
          .used = {"0000:65:00.0"},
          .job = Memory::Job{our_path, ppcie},
          .cancelled_job = 6,
          .cancelled = Memory::Cancelled{.refusal = {.change = ppcie, .message = "gone"}, .newest_job = 8},
          .waited_long_enough = true,
          .nvccd_is_missing = true};
}

client::JobView job(std::uint64_t id, JobState state, std::string error = "") {
  return {.id = id, .kind = JobKind::set_mode, .state = state, .error = std::move(error)};
}

client::DeviceView device(std::string address, bool in_use) {
  return {.address = std::move(address), .in_use = in_use};
}

CallResult failure(CallError::Kind kind) {
  return std::unexpected(CallError{.kind = kind, .message = "why"});
}

Refusal refusal(std::string message, bool because_of_use = false) {
  return {.change = ppcie, .message = std::move(message), .because_of_use = because_of_use};
}

// What has happened, and how the full memory is changed by that and in nothing else.
struct Row {
  const char* name;
  std::function<Memory(Memory)> happens;
  std::function<void(Memory&)> expect;
};

const Row table[] = {
    {"the same wish", [](Memory m) { return on_wish(m, {Wish::Kind::mode, "ppcie"}); }, [](Memory&) {}},
    {"another wish", [](Memory m) { return on_wish(m, {Wish::Kind::mode, "off"}); },
     [](Memory& m) {
       m.wish.value = "off";
       m.check.reset();
       m.refusal.reset();
       m.cancelled.reset();
     }},
    {"nvccd is there", on_nvccd_present, [](Memory& m) { m.nvccd_is_missing = false; }},
    {"nvccd has gone", on_nvccd_absent,
     [](Memory& m) {
       m.check.reset();
       m.refusal.reset();
       m.job.reset();
       m.cancelled_job.reset();
     }},
    {"nvccd stays away", on_nvccd_missing, [](Memory&) {}},
    {"operands do not end", on_operands_awaited_long, [](Memory&) {}},
    {"operands have ended", on_operands_not_awaited, [](Memory& m) { m.waited_long_enough = false; }},
    {"a job is cancelled", [](Memory m) { return on_cancel(m, 9); }, [](Memory& m) { m.cancelled_job = 9; }},
    {"a change would do nothing",
     [](Memory m) { return on_check_answered(m, ClearMode{}, Started{.affects = false}); },
     [](Memory& m) { m.check = Check{.change = ClearMode{}, .affects = false}; }},
    {"a check is refused",
     [](Memory m) { return on_check_answered(m, ppcie, failure(CallError::Kind::refused)); },
     [](Memory& m) { m.refusal = refusal("why"); }},
    {"a check is not answered",
     [](Memory m) { return on_check_answered(m, ppcie, failure(CallError::Kind::passing)); }, [](Memory&) {}},
    {"a change has begun",
     [](Memory m) { return on_change_answered(m, ClearMode{}, Started{.job = "/org/nvccd1/job/9"}); },
     [](Memory& m) { m.job = Memory::Job{"/org/nvccd1/job/9", ClearMode{}}; }},
    {"a change is refused",
     [](Memory m) { return on_change_answered(m, ppcie, failure(CallError::Kind::in_use)); },
     [](Memory& m) { m.refusal = refusal("why", true); }},
    {"a change is not answered",
     [](Memory m) { return on_change_answered(m, ppcie, failure(CallError::Kind::passing)); },
     [](Memory&) {}},
    {"another's job ends", [](Memory m) { return on_job_ended(m, "/other", job(8, JobState::failed), {}); },
     [](Memory&) {}},
    {"another's newer job ends",
     [](Memory m) { return on_job_ended(m, "/other", job(9, JobState::failed), {}); },
     [](Memory& m) { m.cancelled.reset(); }},
    {"our job is done", [](Memory m) { return on_job_ended(m, our_path, job(7, JobState::done), {}); },
     [](Memory& m) { m.job.reset(); }},
    {"our job fails",
     [](Memory m) { return on_job_ended(m, our_path, job(7, JobState::failed, "broken"), {}); },
     [](Memory& m) {
       m.job.reset();
       m.refusal = refusal("broken");
     }},
    {"our job is cancelled by us",
     [](Memory m) { return on_job_ended(m, our_path, job(6, JobState::cancelled), {}); },
     [](Memory& m) { m.job.reset(); }},
    {"our job is cancelled by others",
     [](Memory m) {
       return on_job_ended(m, our_path, job(7, JobState::cancelled, "taken back"),
                           std::vector{job(12, JobState::running), job(3, JobState::running)});
     },
     [](Memory& m) {
       m.job.reset();
       m.cancelled = Memory::Cancelled{.refusal = refusal("taken back"), .newest_job = 12};
     }},
    {"no newer job came", [](Memory m) { return on_jobs_read(m, std::vector{job(8, JobState::running)}); },
     [](Memory& m) {
       m.cancelled.reset();
       m.refusal = refusal("gone");
     }},
    {"a newer job came", [](Memory m) { return on_jobs_read(m, std::vector{job(9, JobState::waiting)}); },
     [](Memory& m) { m.cancelled.reset(); }},
    {"a newer job that is about one device",  // not a change of the node's mode
     [](Memory m) {
       client::JobView rescan = job(9, JobState::running);
       rescan.kind = JobKind::reset;
       return on_jobs_read(m, std::vector{rescan});
     },
     [](Memory& m) {
       m.cancelled.reset();
       m.refusal = refusal("gone");
     }},
    {"nobody tells of jobs", on_jobs_lost, [](Memory& m) { m.cancelled.reset(); }},
    {"the same devices",
     [](Memory m) {
       return on_devices(m, std::vector{device("0000:66:00.0", false), device("0000:65:00.0", true)});
     },
     [](Memory&) {}},
    {"a device is free again",
     [](Memory m) {
       return on_devices(m, std::vector{device("0000:65:00.0", false), device("0000:66:00.0", false)});
     },
     [](Memory& m) { m.used.clear(); }},
    {"a device is free again, which the refusal was about",
     [](Memory m) {
       m.refusal->because_of_use = true;
       return on_devices(m, std::vector{device("0000:65:00.0", false), device("0000:66:00.0", false)});
     },
     [](Memory& m) {
       m.used.clear();
       m.refusal.reset();
     }},
    {"a device has gone", [](Memory m) { return on_devices(m, std::vector{device("0000:65:00.0", true)}); },
     [](Memory& m) {
       m.devices = {"0000:65:00.0"};
       m.check.reset();
       m.refusal.reset();
     }},
};

TEST(Memory, ChangesInNothingButWhatHasHappened) {
  for (const Row& row : table) {
    Memory expected = full();
    row.expect(expected);
    EXPECT_TRUE(row.happens(full()) == expected) << row.name;
  }
}

TEST(Memory, OfAnAgentThatHasJustStartedIsEmpty) {
  EXPECT_TRUE(on_nvccd_missing({}).nvccd_is_missing);
  EXPECT_TRUE(on_operands_awaited_long({}).waited_long_enough);
  EXPECT_EQ(on_jobs_read({}, std::vector{job(9, JobState::running)}), Memory());
  EXPECT_EQ(on_job_ended({}, our_path, job(9, JobState::failed), {}), Memory());
  EXPECT_EQ(on_nvccd_absent({}), Memory());
}

TEST(Memory, KnowsWhoseJobHasEndedAndHow) {
  EXPECT_EQ(end_of_job(full(), "/other", job(7, JobState::failed)), JobEnd::not_ours);
  EXPECT_EQ(end_of_job({}, our_path, job(7, JobState::failed)), JobEnd::not_ours);
  EXPECT_EQ(end_of_job(full(), our_path, job(7, JobState::done)), JobEnd::done);
  EXPECT_EQ(end_of_job(full(), our_path, job(6, JobState::failed)), JobEnd::failed);
  EXPECT_EQ(end_of_job(full(), our_path, job(6, JobState::cancelled)), JobEnd::cancelled_by_us);
  EXPECT_EQ(end_of_job(full(), our_path, job(7, JobState::cancelled)), JobEnd::cancelled);
}

TEST(CallErrors, AreTriedAgainUnlessNvccdWillNot) {
  const struct {
    const char* name;
    CallError::Kind kind;
  } cases[] = {
      {"org.nvccd1.Error.DeviceBusy", CallError::Kind::in_use},
      {"org.nvccd1.Error.NotSupported", CallError::Kind::refused},
      {"org.nvccd1.Error.InvalidMode", CallError::Kind::refused},
      {"org.freedesktop.DBus.Error.AccessDenied", CallError::Kind::refused},
      {"org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", CallError::Kind::refused},
      {"org.nvccd1.Error.JobInProgress", CallError::Kind::passing},
      {"org.nvccd1.Error.HardwareFailed", CallError::Kind::passing},
      {"org.freedesktop.DBus.Error.NoReply", CallError::Kind::passing},
      {"", CallError::Kind::passing},
  };
  for (const auto& [name, kind] : cases)
    EXPECT_EQ(kind_of_error(name), kind) << name;
}

}  // namespace
}  // namespace nvccd::agent
