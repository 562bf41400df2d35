#include "session.h"

#include <fmt/format.h>

#include <cerrno>

#include "region_access.h"
#include "version.h"

namespace emulator::vfio_user {

namespace {

bool inside(const Device& device, std::uint32_t region, std::uint64_t offset, std::uint64_t count) {
  const std::uint64_t size = region_size(device, region);
  return count > 0 && offset <= size && count <= size - offset;
}

Outcome give_up(const Header& request, int error, std::string problem) {
  return {encode_error(request, error), true, std::move(problem)};
}

}  // namespace

Outcome Session::handle(Message message) {
  const Header& header = message.header;
  if ((header.flags & type_mask) != type_command) {
    return {{}, true, fmt::format("message type {} is not a command", header.flags & type_mask)};
  }
  if (!started_) return start(message);

  const Result result = message.fds.size() > max_message_fds ? std::unexpected(EINVAL) : dispatch(message);
  if ((header.flags & flag_no_reply) != 0) return {};
  return {result ? encode_reply(header, *result) : encode_error(header, result.error()), false, {}};
}

Outcome Session::start(const Message& message) {
  if (message.header.command != static_cast<std::uint16_t>(Command::version)) {
    return give_up(message.header, EINVAL,
                   fmt::format("command {} came before the version was agreed on", message.header.command));
  }
  const auto negotiated = negotiate(message.payload);
  if (!negotiated) return give_up(message.header, EINVAL, negotiated.error());
  started_ = true;
  write_multi_ = negotiated->write_multi;
  return {encode_reply(message.header, negotiated->reply), false, {}};
}

Session::Result Session::dispatch(Message& message) {
  switch (static_cast<Command>(message.header.command)) {
    case Command::version:
      return std::unexpected(EINVAL);
    case Command::dma_map:
      return map_dma(message.payload);
    case Command::dma_unmap:
      return unmap_dma(message.payload);
    case Command::device_get_info:
      return device_info(message.payload);
    case Command::device_get_region_info:
      return region_info(message.payload);
    case Command::device_get_region_io_fds:
      return region_io_fds(message.payload);
    case Command::device_get_irq_info:
      return interrupt_info(message.payload);
    case Command::device_set_irqs:
      return set_interrupts(message);
    case Command::region_read:
      return read(message.payload);
    case Command::region_write:
      return write(message.payload);
    case Command::region_write_multi:
      return write_multi(message.payload);
    case Command::device_reset:
      device_.reset(ResetKind::bus);
      if (device_.reset_fails()) return std::unexpected(EIO);
      return Bytes{};
  }
  // Migration, dirty pages, device features, and what only a server may send.
  return std::unexpected(ENOTSUP);
}

Session::Result Session::map_dma(const Bytes& payload) {
  const auto request = decode<DmaMap>(payload);
  if (!request) return std::unexpected(EINVAL);
  if (const auto mapped = dma_.map(*request); !mapped) return std::unexpected(mapped.error());
  return Bytes{};
}

Session::Result Session::unmap_dma(const Bytes& payload) {
  const auto request = decode<DmaUnmap>(payload);
  if (!request) return std::unexpected(EINVAL);
  if (const auto unmapped = dma_.unmap(*request); !unmapped) return std::unexpected(unmapped.error());
  return encode(*request);
}

Session::Result Session::device_info(const Bytes& payload) const {
  const auto request = decode<DeviceInfo>(payload);
  if (!request || request->argsz < sizeof(DeviceInfo)) return std::unexpected(EINVAL);
  return encode(DeviceInfo{.argsz = sizeof(DeviceInfo),
                           .flags = device_flag_reset | device_flag_pci,
                           .num_regions = region_count,
                           .num_irqs = irq_index_count});
}

Session::Result Session::region_info(const Bytes& payload) const {
  const auto request = decode<RegionInfo>(payload);
  if (!request || request->argsz < sizeof(RegionInfo) || request->index >= region_count) {
    return std::unexpected(EINVAL);
  }
  const std::uint64_t size = region_size(device_, request->index);
  return encode(RegionInfo{.argsz = sizeof(RegionInfo),
                           .flags = size > 0 ? region_flag_read | region_flag_write : 0,
                           .index = request->index,
                           .size = size});
}

// No part of a region has a descriptor of its own: an empty list.
Session::Result Session::region_io_fds(const Bytes& payload) const {
  const auto request = decode<RegionIoFds>(payload);
  if (!request || request->argsz < sizeof(RegionIoFds) || request->flags != 0 ||
      request->index >= region_count) {
    return std::unexpected(EINVAL);
  }
  return encode(RegionIoFds{.argsz = sizeof(RegionIoFds), .index = request->index});
}

Session::Result Session::interrupt_info(const Bytes& payload) const {
  const auto request = decode<IrqInfo>(payload);
  if (!request || request->argsz < sizeof(IrqInfo) || request->index >= irq_index_count) {
    return std::unexpected(EINVAL);
  }
  return encode(irq_info(request->index));
}

Session::Result Session::set_interrupts(Message& message) {
  const auto request = decode<IrqSet>(message.payload);
  if (!request) return std::unexpected(EINVAL);
  const auto data = std::span<const std::byte>(message.payload).subspan(sizeof(IrqSet));
  if (const auto set = interrupts_.set(*request, data, std::move(message.fds)); !set) {
    return std::unexpected(set.error());
  }
  return Bytes{};
}

Session::Result Session::read(const Bytes& payload) {
  const auto request = decode<RegionAccess>(payload);
  if (!request || request->count > max_transfer_size ||
      !inside(device_, request->region, request->offset, request->count)) {
    return std::unexpected(EINVAL);
  }
  Bytes reply = encode(*request);
  reply.resize(sizeof(RegionAccess) + request->count);
  read_region(device_, request->region, request->offset, std::span(reply).subspan(sizeof(RegionAccess)));
  return reply;
}

Session::Result Session::write(const Bytes& payload) {
  const auto request = decode<RegionAccess>(payload);
  if (!request || payload.size() - sizeof(RegionAccess) != request->count ||
      !inside(device_, request->region, request->offset, request->count)) {
    return std::unexpected(EINVAL);
  }
  write_region(device_, request->region, request->offset,
               std::span<const std::byte>(payload).subspan(sizeof(RegionAccess)));
  return encode(*request);
}

Session::Result Session::write_multi(const Bytes& payload) {
  if (!write_multi_) return std::unexpected(ENOTSUP);
  const auto count = decode<std::uint64_t>(payload);
  if (!count) return std::unexpected(EINVAL);
  const auto list = std::span<const std::byte>(payload).subspan(sizeof(std::uint64_t));
  if (list.size() % sizeof(MultiWrite) != 0 || list.size() / sizeof(MultiWrite) != *count) {
    return std::unexpected(EINVAL);
  }
  // All or nothing: a list with one bad element changes no register.
  std::vector<MultiWrite> writes;
  for (std::size_t at = 0; at < list.size(); at += sizeof(MultiWrite)) {
    const auto one = *decode<MultiWrite>(list.subspan(at));
    if (one.count > sizeof(one.data) || !inside(device_, one.region, one.offset, one.count)) {
      return std::unexpected(EINVAL);
    }
    writes.push_back(one);
  }
  for (const MultiWrite& one : writes) {
    write_region(device_, one.region, one.offset, std::span(one.data).first(one.count));
  }
  return encode(*count);
}

}  // namespace emulator::vfio_user
