// The loop that everything of the server runs on, one thread.
#pragma once

#include <sys/epoll.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>

#include "common/base/event.h"

namespace emulator::vfio_user {

class EventLoop {
 public:
  // Calls a function while it exists. It may be destroyed from inside the call.
  class Watch {
   public:
    Watch() = default;
    // EPOLLIN, EPOLLOUT or both; 0 pauses the watch. Hang-ups are told in any case but then.
    void set_events(std::uint32_t events);
    explicit operator bool() const { return source_ != nullptr; }

   private:
    friend class EventLoop;
    struct Callback;
    static int dispatch_io(sd_event_source* source, int fd, std::uint32_t events, void* data);
    static int dispatch_time(sd_event_source* source, std::uint64_t time, void* data);

    std::shared_ptr<Callback> callback_;
    nvccd::EventSourcePtr source_;
  };

  EventLoop();

  // `fd` stays the caller's and must outlive the watch. Spurious calls happen: use non-blocking descriptors.
  Watch watch(int fd, std::uint32_t events, std::function<void()> callback);

  // Calls once, after `delay`.
  Watch after(std::chrono::milliseconds delay, std::function<void()> callback);

  // Lets run() return on these signals; blocks them for the calling thread.
  void exit_on_signals(std::initializer_list<int> signals);

  void run();
  // One round: waits at most `timeout` and serves what is ready. False: nothing was.
  bool run_once(std::chrono::milliseconds timeout);

 private:
  static Watch make_watch(std::function<void()> callback);

  nvccd::EventPtr event_;
};

}  // namespace emulator::vfio_user
