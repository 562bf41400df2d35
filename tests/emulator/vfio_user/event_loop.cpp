#include "event_loop.h"

#include <pthread.h>

#include <system_error>
#include <utility>

namespace emulator::vfio_user {

namespace {

// Only a machine out of memory or descriptors fails here; there is nothing to fall back on.
void check(int result, const char* step) {
  if (result < 0) throw std::system_error(-result, std::generic_category(), step);
}

}  // namespace

struct EventLoop::Watch::Callback {
  std::function<void()> function;
  std::weak_ptr<Callback> self;
};

void EventLoop::Watch::set_events(std::uint32_t events) {
  if (events == 0) {
    check(sd_event_source_set_enabled(source_.get(), SD_EVENT_OFF), "pause a watch");
    return;
  }
  check(sd_event_source_set_io_events(source_.get(), events), "set the events of a watch");
  check(sd_event_source_set_enabled(source_.get(), SD_EVENT_ON), "resume a watch");
}

int EventLoop::Watch::dispatch_io(sd_event_source*, int, std::uint32_t, void* data) {
  // The callback may destroy its own watch: hold it for the time of the call.
  const std::shared_ptr<Callback> callback = static_cast<Callback*>(data)->self.lock();
  callback->function();
  return 0;
}

int EventLoop::Watch::dispatch_time(sd_event_source* source, std::uint64_t, void* data) {
  return dispatch_io(source, -1, 0, data);
}

EventLoop::EventLoop() {
  sd_event* event = nullptr;
  check(sd_event_new(&event), "make an event loop");
  event_.reset(event);
}

EventLoop::Watch EventLoop::make_watch(std::function<void()> callback) {
  Watch watch;
  watch.callback_ = std::make_shared<Watch::Callback>();
  watch.callback_->function = std::move(callback);
  watch.callback_->self = watch.callback_;
  return watch;
}

EventLoop::Watch EventLoop::watch(int fd, std::uint32_t events, std::function<void()> callback) {
  Watch watch = make_watch(std::move(callback));
  sd_event_source* source = nullptr;
  check(sd_event_add_io(event_.get(), &source, fd, events, &Watch::dispatch_io, watch.callback_.get()),
        "watch a descriptor");
  watch.source_.reset(source);
  return watch;
}

EventLoop::Watch EventLoop::after(std::chrono::milliseconds delay, std::function<void()> callback) {
  Watch watch = make_watch(std::move(callback));
  sd_event_source* source = nullptr;
  check(sd_event_add_time_relative(event_.get(), &source, CLOCK_MONOTONIC,
                                   static_cast<std::uint64_t>(std::chrono::microseconds(delay).count()), 0,
                                   &Watch::dispatch_time, watch.callback_.get()),
        "set a timer");
  watch.source_.reset(source);
  return watch;
}

void EventLoop::exit_on_signals(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals)
    sigaddset(&set, signal);
  check(-pthread_sigmask(SIG_BLOCK, &set, nullptr), "block signals");
  for (const int signal : signals) {
    // No handler: sd-event's default for a signal is to end the loop.
    check(sd_event_add_signal(event_.get(), nullptr, signal, nullptr, nullptr), "watch a signal");
  }
}

void EventLoop::run() {
  check(sd_event_loop(event_.get()), "run the event loop");
}

bool EventLoop::run_once(std::chrono::milliseconds timeout) {
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(timeout).count();
  const int result = sd_event_run(event_.get(), static_cast<std::uint64_t>(microseconds));
  check(result, "run the event loop");
  return result > 0;
}

}  // namespace emulator::vfio_user
