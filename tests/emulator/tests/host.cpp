#include "host.h"

#include <algorithm>
#include <string_view>

namespace emulator {
namespace {

// No reply is longer; what claims to be is not read.
constexpr std::uint32_t kMostBytes = 0x2000;

bool uses_mnoc(Model model) {
  return model != Model::gh100 && model != Model::ls10;
}

std::string outcome(const std::optional<Words>& reply, std::size_t payload_words) {
  if (!reply) return "silence";
  const Words head = {0xC0000000, 0x1510DE7E, 0x3, 0x13};
  if (reply->size() < 5 || !std::equal(head.begin(), head.end(), reply->begin())) return "garbled";
  if ((*reply)[4] != 0) return "error " + std::to_string((*reply)[4]);
  if (reply->size() != 5 + payload_words) return "wrong length";
  return payload_words == 0 ? "ok" : std::to_string((*reply)[5]);
}

}  // namespace

Host::Host(Model model, const Delays& delays, const DeviceOptions& options) {
  const auto record = [this](std::string_view name, const std::map<std::string, std::string>& details) {
    events.push_back({std::string(name), details});
  };
  device = make_device(model, clock, delays, record, options);
  enable_memory();
}

void Host::reset(ResetKind kind) {
  device->reset(kind);
  enable_memory();
}

void Host::send(const Words& message, EmemChannel channel) {
  if (uses_mnoc(device->model())) {
    write(kMnocReceiveInfo, static_cast<std::uint32_t>(message.size() * 4) | 1U << 20U);
    for (const std::uint32_t word : message)
      write(kMnocReceiveData, word);
    return;
  }
  write(channel.control, 0x03000000 | channel.base);
  for (const std::uint32_t word : message)
    write(channel.data, word);
  write(channel.command_tail, channel.base + static_cast<std::uint32_t>(4 * (message.size() - 1)));
  write(channel.command_head, channel.base);
}

std::optional<Words> Host::receive(EmemChannel channel) {
  Words reply;
  if (uses_mnoc(device->model())) {
    const std::uint32_t info = read(kMnocSendInfo);
    if ((info & kMnocReady) == 0 || (info & 0xFFFFF) > kMostBytes) return std::nullopt;
    for (std::uint32_t bytes = 0; bytes < (info & 0xFFFFF); bytes += 4)
      reply.push_back(read(kMnocSendData));
    return reply;
  }
  const std::uint32_t head = read(channel.message_head);
  const std::uint32_t tail = read(channel.message_tail);
  if (head == tail || tail - head > kMostBytes) return std::nullopt;
  write(channel.control, 0x03000000 | channel.base);
  for (std::uint32_t offset = head; offset <= tail; offset += 4)
    reply.push_back(read(channel.data));
  write(channel.message_tail, read(channel.message_head));
  return reply;
}

std::optional<Words> Host::exchange(const Words& message) {
  send(message);
  return receive();
}

std::string model_name(Model model) {
  switch (model) {
    case Model::gh100:
      return "gh100";
    case Model::gb100:
      return "gb100";
    case Model::gb102:
      return "gb102";
    case Model::gb202:
      return "gb202";
    case Model::ls10:
      return "ls10";
  }
  return "unknown";
}

Words read_request(unsigned knob) {
  return {0xC0000000, 0x1310DE7E, knob << 16U | 0x020C};
}

Words write_request(unsigned knob, std::uint32_t value) {
  return {0xC0000000, 0x1310DE7E, knob << 16U | 0x020D, value};
}

std::string Host::read_knob(unsigned knob) {
  return outcome(exchange(read_request(knob)), 1);
}

std::string Host::write_knob(unsigned knob, std::uint32_t value) {
  return outcome(exchange(write_request(knob, value)), 0);
}

std::size_t Host::count_events(const std::string& name) const {
  return static_cast<std::size_t>(std::ranges::count(events, name, &Event::name));
}

const Event& Host::last_event(const std::string& name) const {
  static const Event kNone;
  const auto found =
      std::find_if(events.rbegin(), events.rend(), [&](const Event& e) { return e.name == name; });
  return found == events.rend() ? kNone : *found;
}

}  // namespace emulator
