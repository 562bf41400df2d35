// What the log says of devices and jobs, and the fields to select it by.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "daemon/publish/event_log.h"
#include "daemon/publish/journal.h"
#include "tests/support/fake_manager.h"

namespace nvccd::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto gpu = "0000:65:00.0";

class LogTest : public testing::Test {
 protected:
  LogTest() {
    manager.appear(hopper_gpu(gpu));
    entries.clear();
  }
  const LogEntry& last() const { return entries.back(); }
  JobId start() {
    return manager.start_job({.kind = JobKind::set_mode,
                              .mode = Mode::on,
                              .devices = {PciAddress::parse(gpu).value()},
                              .state = JobState::queued});
  }

  FakeManager manager;
  std::vector<LogEntry> entries;
  EventLog log{manager, [this](const LogEntry& entry) { entries.push_back(entry); }};
};

TEST_F(LogTest, AnEntryOfADeviceCanBeFoundByItsAddress) {
  manager.change_device(gpu, [](DeviceSnapshot& device) { device.in_use = true; });
  EXPECT_EQ(last().message, "0000:65:00.0: in use");
  EXPECT_THAT(journal_fields(last()), Contains("NVCCD_DEVICE=0000:65:00.0"));
}

TEST_F(LogTest, AnEntryOfAJobCanBeFoundByItsNumberAndEachOfItsDevices) {
  const auto id = start();
  EXPECT_EQ(last().message_id, message_id::change_begun);
  EXPECT_THAT(journal_fields(last()), Contains(fmt::format("NVCCD_JOB={}", id)));
  EXPECT_THAT(journal_fields(last()), Contains("NVCCD_DEVICE=0000:65:00.0"));
}

TEST_F(LogTest, EachPhaseIsSaidOnce) {
  const auto id = start();
  entries.clear();
  for (const double progress : {0.1, 0.2, 0.3})
    manager.change_job(id, [&](JobSnapshot& job) {
      job.state = JobState::running;
      job.phase = JobPhase::reset;
      job.progress = progress;
    });
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(last().message, fmt::format("job {} (set-mode on): phase reset", id));
  EXPECT_THAT(journal_fields(last()), Contains("NVCCD_PHASE=reset"));
}

TEST_F(LogTest, WhatHappensToADeviceInAJobHasTheJobAndItsPhase) {
  const auto id = start();
  manager.change_job(id, [&](JobSnapshot& job) {
    job.state = JobState::running;
    job.phase = JobPhase::boot;
  });
  manager.change_device(gpu, [](DeviceSnapshot& device) {
    device.state = DeviceState::failed;
    device.error = "0000:65:00.0: boot: no answer";
  });
  EXPECT_EQ(last().message, "0000:65:00.0: boot: no answer");
  EXPECT_EQ(last().message_id, message_id::device_failed);
  const auto fields = journal_fields(last());
  EXPECT_THAT(fields, Contains(fmt::format("NVCCD_JOB={}", id)));
  EXPECT_THAT(fields, Contains("NVCCD_PHASE=boot"));
  EXPECT_THAT(fields, Contains("PRIORITY=3"));
}

TEST_F(LogTest, TheEndOfAJobIsAnErrorOnlyWhenItFailed) {
  manager.end_job(start(), JobState::done);
  EXPECT_EQ(last().message_id, message_id::change_done);
  EXPECT_THAT(journal_fields(last()), Contains("PRIORITY=6"));
  manager.end_job(start(), JobState::failed, Error{.cause = "no answer"});
  EXPECT_EQ(last().message_id, message_id::change_failed);
  EXPECT_THAT(last().message, HasSubstr("failed: no answer"));
  EXPECT_THAT(journal_fields(last()), Contains("PRIORITY=3"));
}

TEST_F(LogTest, ADeviceThatGoesAndANodeThatIsReadyHaveTheirNumbers) {
  manager.disappear(gpu);
  EXPECT_EQ(last().message_id, message_id::device_gone);
  manager.change_node([](NodeState& node) {
    node.ready = true;
    node.mode_state = ModeState::on;
  });
  EXPECT_EQ(last().message, "node: mode on, ready");
  EXPECT_EQ(last().message_id, message_id::node_ready);
}

TEST_F(LogTest, WhatDidNotChangeIsNotSaid) {
  manager.change_device(gpu, [](DeviceSnapshot& device) { device.numa_node = 1; });
  manager.change_node([](NodeState& node) { ++node.generation; });
  EXPECT_THAT(entries, IsEmpty());
}

TEST(Journal, AnEntryWithoutFieldsHasNone) {
  EXPECT_THAT(journal_fields({.message = "hello"}),
              ElementsAre("MESSAGE=hello", "PRIORITY=6", "SYSLOG_IDENTIFIER=nvccd"));
}

TEST(Journal, ItsCatalogueExplainsEachKindOfEntryAndNoOther) {
  std::ifstream file(NVCCD_SOURCE_DIR "/conf/nvccd.catalog");
  std::vector<std::string> explained;
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("-- ")) explained.push_back(line.substr(3));
  EXPECT_THAT(explained,
              ElementsAre(message_id::change_begun, message_id::change_done, message_id::change_failed,
                          message_id::device_bound, message_id::device_gone, message_id::device_failed,
                          message_id::node_ready, message_id::node_not_ready));
}

}  // namespace
}  // namespace nvccd::test
