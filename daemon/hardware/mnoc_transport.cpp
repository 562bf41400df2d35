#include "daemon/hardware/mnoc_transport.h"

#include <fmt/format.h>

#include "daemon/hardware/mailbox_timing.h"
#include "daemon/hardware/registers.h"

namespace nvccd {
namespace {

constexpr std::uint32_t base = 0x8f1e00;
constexpr std::uint32_t send_info = base + 0x104;     // firmware to host
constexpr std::uint32_t send_data = send_info + 4;    // each read pops a word
constexpr std::uint32_t receive_info = base + 0x184;  // host to firmware
constexpr std::uint32_t receive_data = receive_info + 4;

constexpr std::uint32_t size_mask = 0xfffff;  // bytes
constexpr std::uint32_t trigger = 1U << 20;
constexpr std::uint32_t ready = 1U << 24;
constexpr std::uint32_t failed = 1U << 25;
constexpr std::uint32_t credit = 1U << 26;

constexpr std::uint32_t largest_packet = 4160;  // bytes, on port 0
constexpr std::size_t words_per_credit = 16;    // the firmware grants room for 64 bytes at a time
// More than 16 of the largest are no leftover but a fault.
constexpr std::uint32_t most_stale_words = 16 * largest_packet / 4;

Error mailbox_error(std::string cause) {
  return Error{.kind = ErrorKind::hardware_failed, .cause = std::move(cause), .transient = true};
}

}  // namespace

Result<std::uint32_t> MnocTransport::read_info(std::uint32_t offset) {
  const auto info = registers_.read(offset);
  if (info && is_unreadable(*info))
    return std::unexpected(
        mailbox_error(fmt::format("mailbox register {:#x} is not readable ({:#010x})", offset, *info)));
  if (info && (*info & failed) != 0)
    return std::unexpected(
        mailbox_error(fmt::format("the mailbox reports an error ({:#x} reads {:#010x})", offset, *info)));
  return info;
}

Result<std::uint32_t> MnocTransport::wait_for(std::uint32_t offset, std::uint32_t bit, Duration limit,
                                              const char* what) {
  const Deadline deadline(clock_, limit);
  for (unsigned look = 0;; ++look) {
    const auto info = read_info(offset);
    if (!info) return std::unexpected(info.error());
    if ((*info & bit) != 0) return info;
    if (!deadline.sleep(mailbox_timing::pause(look))) {
      auto error =
          mailbox_error(fmt::format("the firmware {} within {} s", what,
                                    std::chrono::duration_cast<std::chrono::seconds>(limit).count()));
      error.advice = "if it stays so, the firmware is stuck: reset or power-cycle the device";
      return std::unexpected(std::move(error));
    }
  }
}

Result<bool> MnocTransport::has_message() {
  const auto info = read_info(send_info);
  if (!info) return std::unexpected(info.error());
  return (*info & ready) != 0;
}

// Word by word: a predecessor that was killed may have read a part of the message. Its request must have been
// taken before anybody can say that there is no reply.
Result<> MnocTransport::drain() {
  if (auto taken = wait_until_accepting(); !taken) return taken;
  for (std::uint32_t word = 0; word < most_stale_words; ++word) {
    const auto pending = has_message();
    if (!pending) return std::unexpected(pending.error());
    if (!*pending) return {};
    if (const auto thrown_away = registers_.read(send_data); !thrown_away)
      return std::unexpected(thrown_away.error());
  }
  return std::unexpected(mailbox_error("the mailbox does not become empty"));
}

Result<> MnocTransport::wait_until_accepting() {
  const auto info = wait_for(receive_info, ready, mailbox_timing::ready_limit, "did not accept a request");
  if (!info) return std::unexpected(info.error());
  return {};
}

Result<> MnocTransport::send(std::span<const std::uint32_t> packet) {
  if (auto accepting = wait_until_accepting(); !accepting) return accepting;
  const auto size = static_cast<std::uint32_t>(packet.size_bytes());
  if (auto written = registers_.write(receive_info, size | trigger); !written) return written;
  for (std::size_t i = 0; i < packet.size(); ++i) {
    if (i % words_per_credit == 0)
      if (auto ok =
              wait_for(receive_info, credit, mailbox_timing::credit_limit, "granted no room for a request");
          !ok)
        return std::unexpected(ok.error());
    if (auto written = registers_.write(receive_data, packet[i]); !written) return written;
  }
  if (const auto info = read_info(receive_info); !info) return std::unexpected(info.error());
  return {};
}

// *Ready* may outlast the last word: with it on, the next request would seem to have been answered already.
// If it stays, another reply is there, and whoever asks has_message() next learns that.
Result<> MnocTransport::wait_until_fetched() {
  const Deadline deadline(clock_, mailbox_timing::halfway_limit);
  for (unsigned look = 0;; ++look) {
    const auto pending = has_message();
    if (!pending) return std::unexpected(pending.error());
    if (!*pending || !deadline.sleep(mailbox_timing::pause(look))) return {};
  }
}

Result<Words> MnocTransport::receive() {
  const auto info = wait_for(send_info, ready, mailbox_timing::reply_limit, "did not reply to a request");
  if (!info) return std::unexpected(info.error());
  const std::uint32_t size = *info & size_mask;
  if (size > largest_packet)
    return std::unexpected(mailbox_error(
        fmt::format("the firmware announces a reply of {} bytes, {} are possible", size, largest_packet)));
  Words words;
  words.reserve((size + 3) / 4);
  for (std::uint32_t done = 0; done < size; done += 4) {
    const auto word = registers_.read(send_data);
    if (!word) return std::unexpected(word.error());
    words.push_back(*word);
  }
  if (auto fetched = wait_until_fetched(); !fetched) return std::unexpected(fetched.error());
  return words;
}

}  // namespace nvccd
