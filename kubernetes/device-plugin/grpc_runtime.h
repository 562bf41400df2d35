// gRPC's own threads.
#pragma once

namespace nvccd::kubernetes {

// While this exists, threads that are started have a timer slack of a minute. gRPC's threads look at the
// clock every second even when nothing is due, and on large hosts several of them; with this they do so when
// the processor is awake anyway. What gRPC does by time may be that late: limits that matter are kept by
// whoever sets them.
class CoarseTimers {
 public:
  CoarseTimers();
  ~CoarseTimers();
  CoarseTimers(const CoarseTimers&) = delete;
  CoarseTimers& operator=(const CoarseTimers&) = delete;
};

// Initialises gRPC for the rest of the process. There is no end of it: after a server that could not be
// started gRPC would wait there for ever.
void start_grpc();

}  // namespace nvccd::kubernetes
