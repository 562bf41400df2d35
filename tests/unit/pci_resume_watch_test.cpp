// Whether the host has slept. That a timer fires at the waking up only a real host shows.
#include <gtest/gtest.h>

#include "daemon/pci/resume_watch.h"

namespace nvccd {
namespace {

using namespace std::chrono_literals;

TEST(Resume, OnlyATimeThatIsSurelyLaterMeansSleep) {
  const SleepTime before{.least = 10s, .most = 10s + 3ms};
  EXPECT_FALSE(before.is_later_than(before));
  EXPECT_FALSE((SleepTime{.least = 10s + 2ms, .most = 10s + 9ms}).is_later_than(before));
  EXPECT_TRUE((SleepTime{.least = 10s + 4ms, .most = 10s + 5ms}).is_later_than(before));
}

TEST(Resume, AnAwakeHostDoesNotSleep) {
  const auto before = measure_sleep_time();
  EXPECT_LE(before.least, before.most);
  for (int i = 0; i < 1000; ++i)
    EXPECT_FALSE(measure_sleep_time().is_later_than(before));
}

TEST(Resume, IsToldOnceForEachSleepAndNotWhenOnlyTheClockIsSet) {
  sd_event* event = nullptr;
  ASSERT_EQ(sd_event_new(&event), 0);
  const EventPtr loop(event);
  int resumed = 0;
  const auto watch = ResumeWatch::create(event, [&] { ++resumed; });
  ASSERT_TRUE(watch) << watch.error().message();
  EXPECT_EQ(sd_event_run(event, 0), 0) << "it wakes up for nothing";
  auto slept = measure_sleep_time();
  (*watch)->clock_was_set(slept);
  EXPECT_EQ(resumed, 0);
  slept = {.least = slept.least + 1min, .most = slept.most + 1min};
  (*watch)->clock_was_set(slept);
  (*watch)->clock_was_set(slept);
  EXPECT_EQ(resumed, 1);
}

}  // namespace
}  // namespace nvccd
