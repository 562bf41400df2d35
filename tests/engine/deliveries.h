// What has happened and was not told yet: the events on their way from the kernel to the daemon.
#pragma once

#include <functional>
#include <list>
#include <optional>
#include <vector>

#include "common/base/clock.h"
#include "daemon/engine/node_manager.h"

namespace nvccd::test {

class Deliveries {
 public:
  // Each keeps its order; between them there is none. The last is what the kernel does and tells nobody of.
  enum class Queue { udev, nodes, other, kernel };
  using Tell = std::function<void(NodeManager&)>;

  // `about`: the devices of which the daemon cannot know until this is told.
  void add(Queue queue, Duration due, std::vector<unsigned> about, Tell tell);

  // Everything in that queue is lost, and the daemon is told just that.
  void lose(Queue queue, Duration due, Tell tell);
  void clear() { waiting_.clear(); }
  // From now on nothing is late.
  void hurry(Duration now);

  std::optional<Duration> next_due() const;
  bool untold(unsigned device) const;
  // Tells what is due first. Until that has returned it counts as untold.
  void tell_next(NodeManager& manager);

 private:
  struct Delivery {
    Queue queue;
    Duration due;
    std::vector<unsigned> about;
    Tell tell;
  };
  std::list<Delivery> waiting_;
};

}  // namespace nvccd::test
