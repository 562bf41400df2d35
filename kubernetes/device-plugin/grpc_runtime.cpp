#include "kubernetes/device-plugin/grpc_runtime.h"

#include <grpc/grpc.h>
#include <sys/prctl.h>

namespace nvccd::kubernetes {
namespace {

constexpr unsigned long slack_ns = 60'000'000'000UL;
constexpr unsigned long default_slack = 0;

// Of this thread, and of those that it starts from now on.
void set_timer_slack(unsigned long nanoseconds) {
  (void)::prctl(PR_SET_TIMERSLACK, nanoseconds, 0UL, 0UL, 0UL);
}

}  // namespace

CoarseTimers::CoarseTimers() {
  set_timer_slack(slack_ns);
}

CoarseTimers::~CoarseTimers() {
  set_timer_slack(default_slack);
}

void start_grpc() {
  const CoarseTimers of_its_threads;
  grpc_init();
}

}  // namespace nvccd::kubernetes
