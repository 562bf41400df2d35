// The register traffic of NVIDIA's own tool, access by access, with the values it needs to see.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "host.h"

namespace emulator {
namespace {

class Trace : public testing::Test {
 protected:
  void start(Model model) {
    host = std::make_unique<Host>(model, Delays{.reply = {}, .reset = {}, .boot = milliseconds(1500)});
  }

  // Lines of "r OFFSET VALUE" and "w OFFSET VALUE", all hexadecimal; VALUE of a read is what must come.
  void play(const std::string& accesses) {
    std::istringstream lines(accesses);
    std::string access, offset, value;
    while (lines >> access >> offset >> value) {
      const auto where = static_cast<std::uint32_t>(std::stoul(offset, nullptr, 16));
      const auto word = static_cast<std::uint32_t>(std::stoul(value, nullptr, 16));
      if (access == "w") {
        host->write(where, word);
      } else {
        EXPECT_EQ(host->read(where), word) << access << ' ' << offset << ' ' << value;
      }
    }
  }

  // One exchange through EMEM as the tool does it: read, write, read around each queue register.
  void emem(const Words& message, const Words& reply) {
    const EmemChannel cc(2);
    EXPECT_EQ(host->read(cc.command_head), host->read(cc.command_tail));
    host->write(cc.control, 0x03000800);
    for (const std::uint32_t word : message)
      host->write(cc.data, word);
    const std::uint32_t tail = 0x800 + static_cast<std::uint32_t>(4 * (message.size() - 1));
    host->read(cc.command_tail);
    host->write(cc.command_tail, tail);
    EXPECT_EQ(host->read(cc.command_tail), tail);
    host->read(cc.command_head);
    host->write(cc.command_head, 0x800);
    EXPECT_EQ(host->read(cc.command_head), host->read(cc.command_tail));
    const std::uint32_t reply_tail = 0x800 + static_cast<std::uint32_t>(4 * (reply.size() - 1));
    for (int look = 0; look < 2; ++look) {
      EXPECT_EQ(host->read(cc.message_head), 0x800U);
      EXPECT_EQ(host->read(cc.message_tail), reply_tail);
    }
    host->write(cc.control, 0x03000800);
    for (const std::uint32_t word : reply)
      EXPECT_EQ(host->read(cc.data), word);
    EXPECT_EQ(host->read(cc.message_tail), reply_tail);
    host->write(cc.message_tail, 0x800);
    EXPECT_EQ(host->read(cc.message_tail), 0x800U);
  }

  void mnoc(const Words& message, const Words& reply) {
    const auto bytes = [](const Words& words) { return static_cast<std::uint32_t>(4 * words.size()); };
    EXPECT_EQ(host->read(kMnocReceiveInfo) & (kMnocError | kMnocReady), kMnocReady);
    host->write(kMnocReceiveInfo, 0x00100000 | bytes(message));
    EXPECT_NE(host->read(kMnocReceiveInfo) & kMnocCredit, 0U);
    for (const std::uint32_t word : message)
      host->write(kMnocReceiveData, word);
    EXPECT_EQ(host->read(kMnocReceiveInfo) & kMnocError, 0U);
    EXPECT_EQ(host->read(kMnocSendInfo), 0x01000000 | bytes(reply));
    for (const std::uint32_t word : reply)
      EXPECT_EQ(host->read(kMnocSendData), word);
    EXPECT_EQ(host->read(kMnocSendInfo) & (kMnocReady | kMnocError), 0U);
  }

  // Knob commands in the tool's order: "KNOB reads VALUE" and "KNOB writes VALUE", decimal.
  void knobs(const std::string& commands) {
    std::istringstream lines(commands);
    unsigned knob = 0, value = 0;
    std::string verb;
    const bool over_mnoc = host->device->model() != Model::gh100 && host->device->model() != Model::ls10;
    while (lines >> knob >> verb >> value) {
      SCOPED_TRACE(fmt::format("{} {} {}", knob, verb, value));
      const bool reads = verb == "reads";
      const Words message = reads ? read_request(knob) : write_request(knob, value);
      Words reply = {0xC0000000, 0x1510DE7E, 3, 0x13, 0};
      if (reads) reply.push_back(value);
      over_mnoc ? mnoc(message, reply) : emem(message, reply);
    }
  }

  void fsp_config() {
    play(
        "r 8F012C 1100 r 8F012C 1100 r 8F0278 1000200 r 8F0278 1000200 r 8F012C 1100 r 8F012C 1100 "
        "r 8F0278 1000200 r 8F0278 1000200 r 8F0ABC 20 r 8F0ABC 20");
  }
  void boot() {
    play(fmt::format("r {:x} 0", boot_register()));
    host->clock.advance(milliseconds(1500));
    play(fmt::format("r {:x} FF", boot_register()));
  }
  std::uint32_t boot_register() const {
    if (host->device->model() == Model::gb202) return 0xAD00BC;
    return host->device->model() == Model::ls10 ? 0x660BC : 0x200BC;
  }
  void hopper_construction() { play("r 0 180000A1 r 0 180000A1 w 12004C 4 w 122204 2 r 224FC 0 r 22800 0"); }
  void hopper_epilogue(const std::string& mode) {
    play("r 20120 0 r 0 180000A1 r 200BC FF r 200BC FF r 1182CC " + mode +
         " r 200BC FF r 200BC FF r 1182CC " + mode);
  }
  void hopper_reset() {
    play("r 1458 0 w 1458 1 r 1458 1 r 91288 0 w 91288 1 r 91288 1 r 91288 1");
    host->reset();
    play("r 1458 0 r 91288 1 w 12004C 4 w 122204 2");
    fsp_config();
  }

  std::unique_ptr<Host> host;
};

TEST_F(Trace, HopperQuery) {
  start(Model::gh100);
  hopper_construction();
  play("r 200BC FF r 1182CC 0");
  hopper_epilogue("0");
  EXPECT_EQ(host->device->counters().protocol_errors, 0U);
}

TEST_F(Trace, HopperCcOn) {
  start(Model::gh100);
  hopper_construction();
  play("r 200BC FF");
  fsp_config();
  for (const std::uint32_t channel : {2U, 1U}) {
    const EmemChannel registers(channel);
    for (int look = 0; look < 2; ++look) {
      EXPECT_EQ(host->read(registers.command_head), host->read(registers.command_tail));
      EXPECT_EQ(host->read(registers.message_head), host->read(registers.message_tail));
    }
  }
  knobs(
      "45 reads 0  2 reads 0  4 reads 0  34 reads 0  45 reads 0  10 reads 0  10 writes 2  8 reads 0  8 "
      "writes 1 "
      "6 reads 0");
  play("r 1182CC 0");  // asked for, not yet so
  hopper_reset();
  boot();
  play("r 1182CC 1");
  hopper_epilogue("1");
  EXPECT_EQ(host->device->active_mode(), "on");
  EXPECT_EQ(host->device->counters().knob_writes, 2U);
  EXPECT_EQ(host->device->counters().knob_reads, 8U);
  EXPECT_EQ(host->device->counters().protocol_errors, 0U);
}

TEST_F(Trace, HopperPpcieOn) {
  start(Model::gh100);
  hopper_construction();
  play("r 200BC FF r 1182CC 0");
  fsp_config();
  knobs(
      "8 reads 0  2 reads 0  4 reads 0  34 reads 0  6 reads 0  8 reads 0  10 reads 0  10 writes 2  45 reads "
      "0 "
      "45 writes 1");
  hopper_reset();
  boot();
  play("r 1182CC 20");
  EXPECT_EQ(host->device->active_mode(), "ppcie");
}

TEST_F(Trace, SwitchQueryAndPpcieOn) {
  start(Model::ls10);
  play("r 0 7000A1 r 66120 0 r 660BC FF r 660BC FF r 28C50 0 r 660BC FF r 28C50 0");
  fsp_config();
  knobs(
      "8 reads 0  2 reads 0  4 reads 0  34 reads 0  6 reads 0  8 reads 0  10 reads 0  45 reads 0  45 writes "
      "1");
  play("r DFE0 0 w DFE0 1 r DFE0 1 r 91288 0 w 91288 1 r 91288 1 r 91288 1");
  host->reset();
  play("r DFE0 0 r 91288 1");
  boot();
  play("r 28C50 1");
  EXPECT_EQ(host->device->active_mode(), "ppcie");
  EXPECT_EQ(host->device->counters().protocol_errors, 0U);
}

class BlackwellTrace : public Trace, public testing::WithParamInterface<Model> {};
INSTANTIATE_TEST_SUITE_P(Models, BlackwellTrace, testing::Values(Model::gb100, Model::gb102, Model::gb202),
                         [](const auto& tested) { return model_name(tested.param); });

TEST_P(BlackwellTrace, CcOn) {
  start(GetParam());
  const std::uint32_t chip = host->read(0);
  EXPECT_NE(chip, 0U);
  EXPECT_NE(chip >> 16U, 0xBADFU);
  play(fmt::format("r 0 {:x} r 224FC 0 r {:x} FF r 590 0 r 8AA128 0", chip, boot_register()));
  fsp_config();
  knobs("2 reads 0  4 reads 0  34 reads 0  8 reads 0  8 writes 1  6 reads 0");
  host->reset();
  fsp_config();
  boot();
  play("r 590 1");
  EXPECT_EQ(host->device->active_mode(), "on");
  EXPECT_EQ(host->device->counters().protocol_errors, 0U);
}

TEST_F(Trace, KnobDumpFrom1To47) {
  start(Model::gh100);
  const std::vector<unsigned> granted = {1, 3, 5, 7, 9, 33, 35, 44, 46};
  for (unsigned knob = 1; knob <= 47; ++knob) {
    const bool one = std::ranges::find(granted, knob) != granted.end();
    EXPECT_EQ(host->read_knob(knob), one ? "1" : "0") << knob;
  }
  EXPECT_EQ(host->read_knob(0), "error 483");
  EXPECT_EQ(host->read_knob(48), "error 483");
}

TEST_F(Trace, KnobDumpWorksOverTheOtherMailboxToo) {
  start(Model::gb202);
  for (unsigned knob = 1; knob <= 47; ++knob)
    EXPECT_EQ(host->read_knob(knob).size(), 1U) << knob;
  EXPECT_EQ(host->read_knob(48), "error 483");
}

}  // namespace
}  // namespace emulator
