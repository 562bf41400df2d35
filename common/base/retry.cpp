#include "common/base/retry.h"

#include <algorithm>
#include <ranges>
#include <utility>

namespace nvccd {
namespace {

std::string without_numbers(std::string_view text) {
  std::string kept;
  for (const auto part : std::views::split(text, ' ')) {
    const std::string_view word(part.begin(), part.end());
    if (word.find_first_of("0123456789") == std::string_view::npos) kept.append(word).append(" ");
  }
  return kept;
}

}  // namespace

Duration Backoff::next() {
  const Duration step = step_;
  step_ = std::min(2 * step_, limits_.longest);
  return Duration(std::uniform_int_distribution(step.count() / 2, step.count())(random_));
}

Duration Retry::later(Task task, Duration at_least) {
  const Duration delay = std::max(backoff_.next(), at_least);
  timer_ = scheduler_.after(delay, [this, task = std::move(task)]() mutable {
    timer_.reset();
    task();
  });
  return delay;
}

bool Trouble::is_news(std::string_view cause) {
  std::string now = without_numbers(cause);
  if (said_ == now) return false;
  said_ = std::move(now);
  return true;
}

bool Trouble::end() {
  return std::exchange(said_, std::nullopt).has_value();
}

}  // namespace nvccd
