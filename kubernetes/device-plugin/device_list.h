// The units of one resource, between the event loop, which knows them, and the calls of gRPC, which report
// them.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>

#include "kubernetes/device-plugin/units.h"

namespace nvccd::kubernetes {

using SharedUnits = std::shared_ptr<const Units>;

// All functions may be called from any thread.
class DeviceList {
 public:
  explicit DeviceList(Units units);

  SharedUnits units() const;
  // Followers are told if the units have changed.
  void publish(Units units);
  // Followers get what they do not know yet, and then the end.
  void close();

  // One reader of the list and of its changes.
  class Follower {
   public:
    explicit Follower(DeviceList& list) : list_(list) {}
    // Blocks until there is something new; nullptr at the end.
    SharedUnits next();

   private:
    DeviceList& list_;
    SharedUnits told_;
  };

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  SharedUnits units_;
  bool closed_ = false;
};

}  // namespace nvccd::kubernetes
