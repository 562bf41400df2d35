#include "interrupts.h"

#include <unistd.h>

#include <bit>
#include <cerrno>

namespace emulator::vfio_user {

IrqInfo irq_info(std::uint32_t index) {
  IrqInfo info{.argsz = sizeof(IrqInfo), .index = index};
  if (index == irq_intx) {
    info.flags = irq_flag_eventfd | irq_flag_maskable | irq_flag_automasked;
    info.count = 1;
  } else if (index == irq_msi) {
    info.flags = irq_flag_eventfd | irq_flag_noresize;
    info.count = 1;
  }
  return info;
}

std::expected<void, int> Interrupts::set(const IrqSet& request, std::span<const std::byte> data,
                                         std::vector<UniqueFd> fds) {
  const std::uint32_t kind = request.flags & irq_data_mask;
  const std::uint32_t action = request.flags & irq_action_bits;
  if (request.index >= irq_index_count || std::popcount(kind) != 1 || std::popcount(action) != 1 ||
      (request.flags & ~(irq_data_mask | irq_action_bits)) != 0) {
    return std::unexpected(EINVAL);
  }
  const std::uint32_t available = irq_info(request.index).count;
  if (request.start > available || request.count > available - request.start) return std::unexpected(EINVAL);
  if (kind == irq_data_bool && data.size() < request.count) return std::unexpected(EINVAL);
  if (kind == irq_data_eventfd && !fds.empty() && fds.size() != request.count) return std::unexpected(EINVAL);
  if (kind != irq_data_eventfd && !fds.empty()) return std::unexpected(EINVAL);

  auto& triggers = triggers_.at(request.index);
  if (request.count == 0) {
    // Only "no data" with neither start nor count has a meaning: everything of this index off.
    if (kind != irq_data_none || request.start != 0) return std::unexpected(EINVAL);
    if (action == irq_action_trigger) triggers.clear();
    return {};
  }
  // The devices never raise an interrupt of their own, so a mask changes nothing one could see.
  if (action != irq_action_trigger) return {};

  for (std::uint32_t i = 0; i < request.count; ++i) {
    const std::uint32_t sub_index = request.start + i;
    if (kind == irq_data_eventfd) {
      if (fds.empty()) {
        triggers.erase(sub_index);
      } else {
        triggers[sub_index] = std::move(fds[i]);
      }
    } else if (kind == irq_data_none || data[i] != std::byte{0}) {
      trigger(request.index, sub_index);
    }
  }
  return {};
}

bool Interrupts::assigned(std::uint32_t index, std::uint32_t sub_index) const {
  return triggers_.at(index).contains(sub_index);
}

void Interrupts::trigger(std::uint32_t index, std::uint32_t sub_index) const {
  const auto found = triggers_.at(index).find(sub_index);
  if (found == triggers_.at(index).end()) return;
  // A full counter already says "pending", so a failing write loses nothing.
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(found->second.get(), &one, sizeof(one));
}

}  // namespace emulator::vfio_user
