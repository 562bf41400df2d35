// A vfio-user client for tests, written from the specification and sharing nothing with the server.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace emulator::vfio_user::test {

// Little-endian fields, one behind the other.
class Pack {
 public:
  Pack& u8(std::uint8_t value) { return number(value, 1); }
  Pack& u16(std::uint16_t value) { return number(value, 2); }
  Pack& u32(std::uint32_t value) { return number(value, 4); }
  Pack& u64(std::uint64_t value) { return number(value, 8); }
  Pack& text(std::string_view value);  // with the closing NUL
  Pack& raw(const std::vector<std::uint8_t>& value);
  const std::vector<std::uint8_t>& bytes() const { return bytes_; }

 private:
  Pack& number(std::uint64_t value, int size);
  std::vector<std::uint8_t> bytes_;
};

std::uint64_t field(const std::vector<std::uint8_t>& bytes, std::size_t offset, std::size_t size);

struct Reply {
  std::uint16_t id = 0;
  std::uint16_t command = 0;
  std::uint32_t flags = 0;
  std::uint32_t error = 0;
  std::vector<std::uint8_t> payload;

  bool failed() const { return (flags & 0x20) != 0; }
  std::uint32_t u32(std::size_t offset) const {
    return static_cast<std::uint32_t>(field(payload, offset, 4));
  }
  std::uint64_t u64(std::size_t offset) const { return field(payload, offset, 8); }
};

inline constexpr const char* qemu_capabilities =
    R"({"capabilities":{"migration":{"pgsize":4096,"max_bitmap_size":268435456},"max_msg_fds":16,)"
    R"("max_data_xfer_size":1048576,"pgsizes":4096,"max_dma_maps":65535,"write_multiple":true}})";

class Client {
 public:
  // `serve` is called while the client waits, for a server that lives in the same thread.
  explicit Client(const std::filesystem::path& socket, std::function<void()> serve = {});
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { close(); }

  void close();

  // Puts the header in front; returns the message's id.
  std::uint16_t send(std::uint16_t command, const std::vector<std::uint8_t>& payload,
                     const std::vector<int>& fds = {}, std::uint32_t flags = 0);
  void send_bytes(std::span<const std::uint8_t> bytes, const std::vector<int>& fds = {});
  // Nothing: the server closed the connection. Throws when neither comes in time.
  std::optional<Reply> receive();
  // A reply that must come; checks id and command.
  Reply call(std::uint16_t command, const std::vector<std::uint8_t>& payload,
             const std::vector<int>& fds = {});
  bool closed_by_server() { return !receive(); }
  bool readable();  // after the server had its turn

  Reply negotiate(std::string_view capabilities = qemu_capabilities, std::uint16_t major = 0,
                  std::uint16_t minor = 0);
  Reply read(std::uint32_t region, std::uint64_t offset, std::uint32_t count);
  Reply write(std::uint32_t region, std::uint64_t offset, const std::vector<std::uint8_t>& data);
  std::uint64_t read_number(std::uint32_t region, std::uint64_t offset, std::uint32_t count);
  Reply write_number(std::uint32_t region, std::uint64_t offset, std::uint32_t count, std::uint64_t value);

 private:
  std::size_t receive_bytes(std::span<std::uint8_t> space);
  void wait_readable();

  std::function<void()> serve_;
  int fd_ = -1;
  std::uint16_t next_id_ = 100;
};

}  // namespace emulator::vfio_user::test
