// Mailbox through the message network (Blackwell), port 0: announce a size, push words, pop the reply's.
// Names are the firmware's: "receive" is towards it, "send" from it.
#pragma once

#include <cstdint>
#include <vector>

#include "firmware_steps.h"
#include "fsp.h"
#include "mailbox.h"

namespace emulator {

class MnocMailbox final : public Mailbox {
 public:
  static constexpr std::uint32_t kMostBytes = 4160;

  MnocMailbox(Context& context, Fsp& fsp);

  bool owns(std::uint32_t offset) const override;
  std::uint32_t read(std::uint32_t offset) override;
  void write(std::uint32_t offset, std::uint32_t value) override;
  void advance() override;
  void reset() override;
  void plant(Stale what) override;

 private:
  std::uint32_t send_info();
  std::uint32_t receive_info() const;
  std::uint32_t pop();
  void announce(std::uint32_t bytes);
  void push(std::uint32_t word);
  bool take_request();
  bool shows_error(std::string_view direction) const;

  Context& context_;
  Fsp& fsp_;
  // An announced message of which words are missing keeps the port busy until a reset: nothing published says
  // that real firmware gives up on it.
  std::uint32_t announced_words_ = 0;
  std::vector<std::uint32_t> received_;
  bool room_ = false;           // for the words of the announced message
  bool receive_error_ = false;  // until a reset
  std::vector<std::uint32_t> sending_;
  std::size_t sent_ = 0;  // words
  bool looked_ = false;   // the host was told of a reply, and has read no word since
  FirmwareSteps receiving_;
  FirmwareSteps replying_;
  FirmwareSteps fetched_;
};

}  // namespace emulator
