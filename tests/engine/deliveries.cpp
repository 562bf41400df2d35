#include "deliveries.h"

#include <algorithm>

namespace nvccd::test {

void Deliveries::add(Queue queue, Duration due, std::vector<unsigned> about, Tell tell) {
  for (const Delivery& before : waiting_)
    if (before.queue == queue) due = std::max(due, before.due);
  waiting_.push_back({.queue = queue, .due = due, .about = std::move(about), .tell = std::move(tell)});
}

void Deliveries::lose(Queue queue, Duration due, Tell tell) {
  std::vector<unsigned> about;
  for (const Delivery& lost : waiting_)
    if (lost.queue == queue) about.insert(about.end(), lost.about.begin(), lost.about.end());
  std::erase_if(waiting_, [&](const Delivery& lost) { return lost.queue == queue; });
  add(queue, due, std::move(about), std::move(tell));
}

void Deliveries::hurry(Duration now) {
  for (Delivery& delivery : waiting_)
    delivery.due = std::min(delivery.due, now);
}

std::optional<Duration> Deliveries::next_due() const {
  if (waiting_.empty()) return std::nullopt;
  return std::ranges::min_element(waiting_, {}, &Delivery::due)->due;
}

bool Deliveries::untold(unsigned device) const {
  return std::ranges::any_of(
      waiting_, [&](const Delivery& delivery) { return std::ranges::count(delivery.about, device) > 0; });
}

void Deliveries::tell_next(NodeManager& manager) {
  const auto next = std::ranges::min_element(waiting_, {}, &Delivery::due);
  // What it leads to may add further ones.
  const Tell tell = next->tell;
  tell(manager);
  waiting_.erase(next);
}

}  // namespace nvccd::test
