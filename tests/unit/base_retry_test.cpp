// What is tried again, in virtual time.
#include "common/base/retry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

namespace nvccd {
namespace {

using namespace std::chrono_literals;

// Nothing but timers, which fall due when the test lets time pass.
class VirtualTimers final : public Scheduler {
 public:
  void start(Task, Task) override { ADD_FAILURE() << "no worker is needed"; }
  void post(Task) override { ADD_FAILURE() << "nothing is put off to another turn"; }
  std::unique_ptr<Timer> after(Duration delay, Task task) override {
    auto timer = std::make_unique<VirtualTimer>(*this);
    waiting_.push_back({now_ + delay, std::move(task), timer.get()});
    return timer;
  }

  void pass(Duration time) {
    const Duration end = now_ + time;
    for (auto due = next(end); due != waiting_.end(); due = next(end)) {
      now_ = due->at;
      Task task = std::move(due->task);
      waiting_.erase(due);
      task();
    }
    now_ = end;
  }

 private:
  struct VirtualTimer final : Timer {
    explicit VirtualTimer(VirtualTimers& all) : timers(all) {}
    ~VirtualTimer() override {
      std::erase_if(timers.waiting_, [this](const Pending& pending) { return pending.timer == this; });
    }
    VirtualTimers& timers;
  };
  struct Pending {
    Duration at;
    Task task;
    const Timer* timer;
  };
  std::vector<Pending>::iterator next(Duration end) {
    const auto first = std::ranges::min_element(waiting_, {}, &Pending::at);
    return first != waiting_.end() && first->at <= end ? first : waiting_.end();
  }

  Duration now_{};
  std::vector<Pending> waiting_;
};

class RetryTest : public testing::Test {
 protected:
  void fail_always() {
    ++tries;
    retry.later([this] { fail_always(); });
  }

  VirtualTimers timers;
  Retry retry{timers, {.first = 100ms, .longest = 10s}};
  int tries = 0;
};

TEST_F(RetryTest, ComesLaterEachTimeButNeverLaterThanTheLongest) {
  fail_always();
  timers.pass(100ms);
  EXPECT_EQ(tries, 2);
  timers.pass(1h);
  EXPECT_GE(tries, 3600 / 10);
  EXPECT_LE(tries, 2 * 3600 / 10 + 20);
}

TEST_F(RetryTest, TakesUpToAHalfOffEachDelayAtRandom) {
  std::set<Duration> delays;
  for (int i = 0; i < 100; ++i) {
    delays.insert(retry.later([] {}));
    retry.succeeded();
  }
  EXPECT_GE(*delays.begin(), 50ms);
  EXPECT_LE(*delays.rbegin(), 100ms);
  EXPECT_GT(delays.size(), 50U);
}

TEST_F(RetryTest, BeginsAnewAfterASuccess) {
  for (int i = 0; i < 20; ++i)
    retry.later([] {});
  EXPECT_GE(retry.later([] {}), 5s);
  retry.succeeded();
  EXPECT_LE(retry.later([] {}), 100ms);
}

TEST_F(RetryTest, WaitsAsLongAsTheOtherSideAsksFor) {
  EXPECT_EQ(retry.later([this] { ++tries; }, 1min), 1min);
  timers.pass(59s);
  EXPECT_EQ(tries, 0);
  EXPECT_TRUE(retry.waiting());
  timers.pass(1s);
  EXPECT_EQ(tries, 1);
  EXPECT_FALSE(retry.waiting());
}

TEST_F(RetryTest, OneThingWaitsAtATimeAndNothingOnceItIsCancelled) {
  retry.later([this] { tries += 100; });
  retry.later([this] { ++tries; });
  timers.pass(1min);
  EXPECT_EQ(tries, 1);
  retry.later([this] { ++tries; });
  retry.cancel();
  EXPECT_FALSE(retry.waiting());
  timers.pass(1min);
  EXPECT_EQ(tries, 1);
}

TEST_F(RetryTest, MayBeDestroyedByWhatItTries) {
  auto other = std::make_unique<Retry>(timers);
  other->later([&] { other.reset(); });
  timers.pass(1min);
  EXPECT_EQ(other, nullptr);
}

TEST(Trouble, IsSaidOnceAndAgainWhenTheCauseIsAnother) {
  Trouble trouble;
  EXPECT_TRUE(trouble.is_news("connection refused"));
  EXPECT_FALSE(trouble.is_news("connection refused"));
  EXPECT_TRUE(trouble.is_news("certificate expired"));
  EXPECT_FALSE(trouble.is_news("certificate expired"));
}

TEST(Trouble, IsSaidAgainAfterAllWasWell) {
  Trouble trouble;
  EXPECT_FALSE(trouble.end());
  EXPECT_TRUE(trouble.is_news(""));
  EXPECT_TRUE(trouble.end());
  EXPECT_FALSE(trouble.end());
  EXPECT_TRUE(trouble.is_news(""));
}

TEST(Trouble, IsTheSameWhateverItsNumbersAre) {
  Trouble trouble;
  EXPECT_TRUE(trouble.is_news("timed out after 30001 ms"));
  EXPECT_FALSE(trouble.is_news("timed out after 30002 ms"));
  EXPECT_TRUE(trouble.is_news("events \"node1.17a3f\" is forbidden"));
  EXPECT_FALSE(trouble.is_news("events \"node1.17a40\" is forbidden"));
}

}  // namespace
}  // namespace nvccd
