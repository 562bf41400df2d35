#include "daemon/pci/resume_watch.h"

#include <sys/timerfd.h>

#include <cerrno>
#include <ctime>
#include <limits>

namespace nvccd {
namespace {

Duration read_clock(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

// The one clock counts sleep and the other does not.
SleepTime measure_sleep_time() {
  const auto before = read_clock(CLOCK_MONOTONIC);
  const auto with_sleep = read_clock(CLOCK_BOOTTIME);
  const auto after = read_clock(CLOCK_MONOTONIC);
  return {.least = with_sleep - after, .most = with_sleep - before};
}

ResumeWatch::ResumeWatch(std::function<void()> resumed)
    : resumed_(std::move(resumed)), slept_(measure_sleep_time()) {}

Result<std::unique_ptr<ResumeWatch>> ResumeWatch::create(sd_event* event, std::function<void()> resumed) {
  const auto failed = [](int error) {
    return std::unexpected(system_error("cannot watch for the host's waking up", error));
  };
  std::unique_ptr<ResumeWatch> watch(new ResumeWatch(std::move(resumed)));
  watch->timer_ = UniqueFd(::timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!watch->timer_) return failed(errno);
  if (auto armed = watch->arm(); !armed) return std::unexpected(armed.error());
  auto& source = watch->source_;
  int r = sd_event_add_io(event, out(source), watch->timer_.get(), EPOLLIN,
                          callback<&ResumeWatch::on_clock_set>, watch.get());
  // Before anybody is told what was true before.
  if (r >= 0) r = sd_event_source_set_priority(source.get(), SD_EVENT_PRIORITY_IMPORTANT);
  if (r < 0) return failed(-r);
  return watch;
}

// Never due. But the kernel cancels such timers when the wall clock jumps against the monotonic one, and so
// it does at each waking up.
Result<> ResumeWatch::arm() {
  const itimerspec never{.it_interval = {},
                         .it_value = {.tv_sec = std::numeric_limits<time_t>::max(), .tv_nsec = 0}};
  if (::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, nullptr) == 0 ||
      errno == ECANCELED)  // it was set in between; the timer is armed all the same
    return {};
  return std::unexpected(system_error("cannot set a timer", errno));
}

void ResumeWatch::on_clock_set() {
  std::uint64_t ticks = 0;
  (void)!::read(timer_.get(), &ticks, sizeof ticks);  // ECANCELED; the timer stays armed
  clock_was_set(measure_sleep_time());
}

void ResumeWatch::clock_was_set(const SleepTime& now) {
  const bool slept = now.is_later_than(slept_);
  slept_ = now;
  if (slept) resumed_();
}

}  // namespace nvccd
