#include "kubernetes/device-plugin/device_list.h"

#include <utility>

namespace nvccd::kubernetes {

DeviceList::DeviceList(Units units) : units_(std::make_shared<const Units>(std::move(units))) {}

SharedUnits DeviceList::units() const {
  const std::lock_guard lock(mutex_);
  return units_;
}

void DeviceList::publish(Units units) {
  const std::lock_guard lock(mutex_);
  if (*units_ == units) return;
  units_ = std::make_shared<const Units>(std::move(units));
  changed_.notify_all();
}

void DeviceList::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

SharedUnits DeviceList::Follower::next() {
  std::unique_lock lock(list_.mutex_);
  list_.changed_.wait(lock, [this] { return list_.closed_ || told_ != list_.units_; });
  if (told_ == list_.units_) return nullptr;
  told_ = list_.units_;
  return told_;
}

}  // namespace nvccd::kubernetes
