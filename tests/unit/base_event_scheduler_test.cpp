// What the loop is told of its workers, also of one that could not be started.
#include <gtest/gtest.h>
#include <pthread.h>

#include <limits>

#include "common/base/event_scheduler.h"
#include "tests/support/event_loop.h"

namespace nvccd {
namespace {

using namespace std::chrono_literals;

// While it lives no thread can be started: each would have a stack larger than any memory.
class NoThreads {
 public:
  NoThreads() {
    pthread_getattr_default_np(&before_);
    pthread_attr_t huge;
    pthread_attr_init(&huge);
    pthread_attr_setstacksize(&huge, std::numeric_limits<std::size_t>::max() / 4);
    pthread_setattr_default_np(&huge);
    pthread_attr_destroy(&huge);
  }
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;
  ~NoThreads() {
    pthread_setattr_default_np(&before_);
    pthread_attr_destroy(&before_);
  }

 private:
  pthread_attr_t before_{};
};

class Workers : public testing::Test {
 protected:
  void SetUp() override {
    auto created = EventScheduler::create(loop_.get());
    ASSERT_TRUE(created) << created.error().message();
    scheduler = *std::move(created);
  }
  bool run_until(const std::function<bool()>& condition) { return test::run_until(loop_.get(), condition); }

  std::unique_ptr<EventScheduler> scheduler;

 private:
  EventPtr loop_ = test::new_event_loop();
};

TEST_F(Workers, WhatAWorkerReturnsComesToTheLoop) {
  std::optional<Result<int>> result;
  start_with_result(
      *scheduler, []() -> Result<int> { return 7; }, [&](Result<int> value) { result = std::move(value); });
  ASSERT_TRUE(run_until([&] { return result.has_value(); }));
  EXPECT_EQ(**result, 7);
  EXPECT_TRUE(scheduler->wait_for_workers(10s));
}

TEST_F(Workers, WorkThatNoThreadCouldBeStartedForIsReportedAsNotDone) {
  bool worked = false;
  std::optional<Result<>> result;
  {
    const NoThreads none;
    start_with_result(
        *scheduler,
        [&]() -> Result<> {
          worked = true;
          return {};
        },
        [&](Result<> value) { result = std::move(value); });
  }
  EXPECT_FALSE(result) << "on the loop, not at once";
  ASSERT_TRUE(run_until([&] { return result.has_value(); }));
  EXPECT_FALSE(worked);
  ASSERT_FALSE(*result);
  EXPECT_EQ(result->error().kind, ErrorKind::system);
  EXPECT_TRUE(scheduler->wait_for_workers(0s)) << "it is counted as one that runs";
}

struct Observation {
  int value = 0;
  std::optional<Error> error;
};

TEST_F(Workers, AValueThatCarriesErrorsCarriesThatOneToo) {
  std::optional<Observation> result;
  {
    const NoThreads none;
    start_with_result(
        *scheduler, [] { return Observation{.value = 7, .error = {}}; },
        [&](Observation value) { result = std::move(value); });
  }
  ASSERT_TRUE(run_until([&] { return result.has_value(); }));
  EXPECT_EQ(result->value, 0);
  EXPECT_TRUE(result->error);
}

}  // namespace
}  // namespace nvccd
