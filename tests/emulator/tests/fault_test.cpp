// Every fault is visible to a host, and ends when it is switched off.
#include "tests/emulator/faults.h"

#include <gtest/gtest.h>

#include <set>

#include "host.h"

namespace emulator {
namespace {

class Faulty : public testing::TestWithParam<Model> {
 protected:
  bool is_blackwell() const { return GetParam() != Model::gh100 && GetParam() != Model::ls10; }
  void set(const std::string& name, const std::string& value) {
    ASSERT_TRUE(host.device->set_fault(name, value)) << name << "=" << value;
  }
  std::uint32_t boot_register() const {
    if (GetParam() == Model::gb202) return 0xAD00BC;
    return GetParam() == Model::ls10 ? 0x660BC : 0x200BC;
  }
  std::uint32_t mode_register() const {
    if (is_blackwell()) return 0x590;
    return GetParam() == Model::ls10 ? 0x28C50 : 0x1182CC;
  }
  unsigned mode_knob() const { return GetParam() == Model::ls10 ? 45 : 8; }
  Host host{GetParam(), {.reply = {}, .reset = {}, .boot = milliseconds(100)}};
};

INSTANTIATE_TEST_SUITE_P(Models, Faulty,
                         testing::Values(Model::gh100, Model::gb100, Model::gb102, Model::gb202, Model::ls10),
                         [](const auto& tested) { return model_name(tested.param); });

TEST_P(Faulty, BarAllOnes) {
  set("bar0-all-ones", "1");
  EXPECT_EQ(host.read(0), kAllOnes);
  EXPECT_EQ(host.config(0, 2), 0x10DEU);
  set("bar0-all-ones", "");
  EXPECT_NE(host.read(0), kAllOnes);
}

TEST_P(Faulty, BarsAreLost) {
  host.device->config_write(0x10, 4, 0x8000'0000);
  host.device->config_write(0x14, 4, 0x38);
  set("bars-lost", "1");
  EXPECT_EQ(host.config(0x10), 0xCU);
  EXPECT_EQ(host.config(0x14), 0U);
  EXPECT_EQ(host.config(0, 2), 0x10DEU);
  EXPECT_EQ(host.read(0), kAllOnes);
  set("bars-lost", "");
  EXPECT_EQ(host.config(0x10), 0x8000'000CU);
  EXPECT_EQ(host.config(0x14), 0x38U);
  EXPECT_NE(host.read(0), kAllOnes);
}

TEST_P(Faulty, SecurityFaultWithItsWord) {
  set("security-fault", "0xCAFE0001");
  EXPECT_EQ(host.read(0), 0xBADF0200U);
  if (GetParam() == Model::gh100) {
    EXPECT_EQ(host.config(0x2B4), 0xCAFE0001U);
  }
  if (is_blackwell()) {
    EXPECT_EQ(host.config(0x314), 0xCAFE0001U);
  }
  set("security-fault", "");
  EXPECT_EQ(host.config(0x2B4) | host.config(0x314), 0U);
}

TEST_P(Faulty, BadReadsDuringBoot) {
  set("bad-reads-during-boot", "1");
  EXPECT_EQ(host.read(boot_register()), 0xFFU);
  host.reset();
  EXPECT_EQ(host.read(boot_register()), 0xBADF5040U);
  EXPECT_EQ(host.read(0), 0xBADF5040U);
  EXPECT_EQ(host.read(0x8F0ABC), 0x20U) << "the FSP's configuration never reads bad";
  set("bad-reads-during-boot", "0xBADF1234");
  EXPECT_EQ(host.read(boot_register()), 0xBADF1234U);
  host.clock.advance(milliseconds(100));
  EXPECT_EQ(host.read(boot_register()), 0xFFU);
}

TEST_P(Faulty, BadReadsEndByThemselves) {
  set("bad-reads", "3");
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(host.read(boot_register()), 0xBADF5720U);
  EXPECT_EQ(host.read(boot_register()), 0xFFU);
}

TEST_P(Faulty, BootNeverCompletes) {
  set("boot-never", "1");
  EXPECT_EQ(host.read(boot_register()), 0xFFU) << "the last boot was before";
  host.reset();
  host.clock.advance(milliseconds(3'600'000));
  EXPECT_EQ(host.read(boot_register()), 0U);
  EXPECT_EQ(host.read_knob(8), "silence");
  set("boot-never", "");
  EXPECT_EQ(host.read(boot_register()), 0xFFU);
}

TEST_P(Faulty, RecoveryMode) {
  set("recovery", "1");
  if (GetParam() == Model::gh100) {
    EXPECT_EQ(host.read(0x20120), 1U << 30U);
  } else if (GetParam() == Model::ls10) {
    EXPECT_EQ(host.read(0x66120), 1U << 30U);
  } else {
    EXPECT_GT(host.read(0x8AA128) & 0xFFU, 1U);
  }
  set("chip-id-zero", "1");
  EXPECT_EQ(host.read(0), 0U);
}

TEST_P(Faulty, NoReply) {
  set("no-reply", "1");
  EXPECT_EQ(host.write_knob(8, 1), "silence");
  EXPECT_EQ(host.device->knob(8), 1) << "the command was taken and done";
  set("no-reply", "stuck");
  EXPECT_EQ(host.write_knob(6, 1), "silence");
  EXPECT_EQ(host.device->knob(6), 0);
  if (!is_blackwell()) {
    EXPECT_NE(host.read(0x8F2C10), host.read(0x8F2C14)) << "the command is still in the queue";
  }
  set("no-reply", "");
  host.reset();
  host.clock.advance(milliseconds(100));
  EXPECT_EQ(host.write_knob(6, 1), "ok") << "a reset is the way out";
}

TEST_P(Faulty, FspErrorForAllOrOneKnobOrOneCommand) {
  set("fsp-error", "0x202");
  EXPECT_EQ(host.read_knob(8), "error 514");
  EXPECT_EQ(host.write_knob(6, 1), "error 514");
  EXPECT_EQ(host.device->knob(6), 0);
  set("fsp-error", "0x1E3@8");
  EXPECT_EQ(host.read_knob(8), "error 483");
  EXPECT_EQ(host.read_knob(6), "0");
  set("fsp-error", "514@8/write");
  EXPECT_EQ(host.read_knob(8), "0");
  EXPECT_EQ(host.write_knob(8, 1), "error 514");
  EXPECT_EQ(host.write_knob(6, 1), "ok");
  set("fsp-error", "0x202/read");
  EXPECT_EQ(host.write_knob(8, 1), "ok");
  EXPECT_EQ(host.read_knob(8), "error 514");
}

TEST_P(Faulty, PermissionDenied) {
  set("permission-denied", "@8");
  EXPECT_EQ(host.write_knob(8, 1), "error 484");
  EXPECT_EQ(host.write_knob(6, 1), "ok");
  set("permission-denied", "1");
  EXPECT_EQ(host.write_knob(6, 0), "error 484");
  EXPECT_EQ(host.read_knob(6), "1");
}

TEST_P(Faulty, OldFirmwareDoesNotKnowPpcie) {
  set("ppcie-unknown", "1");
  EXPECT_EQ(host.read_knob(44), "error 483");
  EXPECT_EQ(host.read_knob(45), "error 483");
  EXPECT_EQ(host.write_knob(45, 1), "error 483");
  EXPECT_EQ(host.read_knob(8), "0");
}

TEST_P(Faulty, SpoiltReplies) {
  const Words good = {0xC0000000, 0x1510DE7E, 3, 0x13, 0, 0};
  EXPECT_EQ(host.exchange(read_request(8)), good);
  set("wrong-echo", "1");
  EXPECT_EQ(host.exchange(read_request(8)), (Words{0xC0000000, 0x1510DE7E, 3, 0x15, 0, 0}));
  set("wrong-echo", "");
  set("wrong-reply-type", "1");
  EXPECT_EQ(host.exchange(read_request(8)), (Words{0xC0000000, 0x1310DE7E, 3, 0x13, 0, 0}));
  set("wrong-reply-type", "");
  set("short-reply", "2");
  EXPECT_EQ(host.exchange(read_request(8)), (Words{0xC0000000, 0x1510DE7E, 3, 0x13}));
  set("short-reply", "100");
  EXPECT_EQ(host.exchange(read_request(8)), std::nullopt) << "nothing is left of it";
  set("short-reply", "");
  set("oversized-reply", "2");
  EXPECT_EQ(host.exchange(read_request(8)).value().size(), 8U);
  set("oversized-reply", "");
  set("dirty-reply", "1");
  EXPECT_EQ(host.exchange(read_request(7)).value().at(5), 0xA5C30001U);
  set("dirty-reply", "");
  EXPECT_EQ(host.exchange(read_request(8)), good);
}

TEST_P(Faulty, ReplyOfMoreWordsThanThereIsMemory) {
  set("oversized-reply", "4294967295");
  host.send(read_request(8));
  if (is_blackwell()) {
    EXPECT_GT(host.read(kMnocSendInfo) & 0xFFFFFU, 4160U);
  } else {
    EXPECT_GT(host.read(0x8F2C94), 0x2000U);
  }
}

TEST_P(Faulty, LateReply) {
  set("late-reply", "7000");
  host.send(read_request(7));
  host.clock.advance(milliseconds(6999));
  EXPECT_EQ(host.receive(), std::nullopt);
  host.clock.advance(milliseconds(1));
  EXPECT_EQ(host.receive().value().back(), 1U);
}

TEST_P(Faulty, StaleQueuesOneSideOnly) {
  set("stale-queues", "message");
  EXPECT_EQ(host.receive().value().back(), 1U);
  set("stale-queues", "command");
  EXPECT_EQ(host.receive(), std::nullopt);
  if (is_blackwell()) {
    EXPECT_EQ(host.read(kMnocReceiveInfo) & kMnocReady, 0U);
  } else {
    EXPECT_NE(host.read(0x8F2C10), host.read(0x8F2C14));
  }
}

TEST_P(Faulty, KnobsThatAreNotStored) {
  set("not-stored", "@8");
  EXPECT_EQ(host.write_knob(8, 1), "ok");
  EXPECT_EQ(host.read_knob(8), "0");
  EXPECT_EQ(host.write_knob(6, 1), "ok");
  EXPECT_EQ(host.read_knob(6), "1");
  set("not-stored", "1");
  EXPECT_EQ(host.write_knob(6, 0), "ok");
  EXPECT_EQ(host.read_knob(6), "1");
}

TEST_P(Faulty, KnobsThatAreNotLatched) {
  set("not-latched", "1");
  EXPECT_EQ(host.write_knob(mode_knob(), 1), "ok");
  host.reset();
  host.clock.advance(milliseconds(100));
  EXPECT_EQ(host.read(mode_register()), 0U);
  EXPECT_EQ(host.read_knob(mode_knob()), "1");
  EXPECT_EQ(host.count_events("latched"), 0U);
  set("not-latched", "");
  host.reset();
  host.clock.advance(milliseconds(100));
  EXPECT_EQ(host.read(mode_register()), 1U);
}

TEST_P(Faulty, ResetsThatHaveNoEffect) {
  EXPECT_EQ(host.write_knob(mode_knob(), 1), "ok");
  set("reset-ignored", "1");
  host.device->reset(ResetKind::bus);
  host.device->config_write(0x68, 2, 0x8000);
  EXPECT_EQ(host.read(mode_register()), 0U);
  EXPECT_EQ(host.read(boot_register()), 0xFFU);
  EXPECT_EQ(host.config(0x68, 2) & 0x8000U, 0U) << "the bit reads 0 even so";
  EXPECT_EQ(host.device->counters().bus_resets, 1U) << "asked for all the same";
  EXPECT_EQ(host.device->counters().function_level_resets, 1U);
  EXPECT_EQ(host.last_event("reset").details.at("ignored"), "true");
  set("reset-ignored", "flr");
  host.device->reset(ResetKind::function_level);
  EXPECT_EQ(host.device->active_mode(), "off");
  host.device->reset(ResetKind::bus);
  EXPECT_NE(host.device->active_mode(), "off");
}

TEST_P(Faulty, ResetsThatFail) {
  EXPECT_FALSE(host.device->reset_fails());
  set("reset-fails", "1");
  EXPECT_TRUE(host.device->reset_fails());
  EXPECT_EQ(host.write_knob(mode_knob(), 1), "ok");
  host.device->reset(ResetKind::function_level);
  host.device->reset(ResetKind::bus);
  EXPECT_EQ(host.device->active_mode(), "off");
  host.device->reset(ResetKind::power);
  EXPECT_NE(host.device->active_mode(), "off") << "power cuts always work";
}

TEST_P(Faulty, PowerStateD3AtStart) {
  set("d3-at-start", "1");
  EXPECT_EQ(host.config(0x44, 2) & 3U, 3U);
  EXPECT_EQ(host.read(0), kAllOnes);
  host.device->config_write(0x44, 2, 0);
  EXPECT_NE(host.read(0), kAllOnes);
  host.reset(ResetKind::bus);
  EXPECT_EQ(host.config(0x44, 2) & 3U, 0U);
  host.reset(ResetKind::power);
  EXPECT_EQ(host.config(0x44, 2) & 3U, 3U);
}

TEST_P(Faulty, ConfigSanityWord) {
  set("config-f0-all-ones", "1");
  EXPECT_EQ(host.config(0xF0, 2), 0xFFFFU);
  EXPECT_EQ(host.config(0xF2, 2), 0U);
}

TEST_P(Faulty, VanishedDevice) {
  host.write_knob(mode_knob(), 1);
  set("vanish", "1");
  EXPECT_EQ(host.config(0), kAllOnes);
  EXPECT_EQ(host.read(0), kAllOnes);
  host.device->config_write(0x04, 2, 0);
  host.device->reset(ResetKind::bus);
  host.send(write_request(6, 1));
  set("vanish", "");
  EXPECT_EQ(host.config(0x04, 2), 2U);
  EXPECT_EQ(host.device->active_mode(), "off");
  EXPECT_EQ(host.device->knob(6), 0);
}

TEST_P(Faulty, SettingAFaultIsLogged) {
  set("late-reply", "5");
  EXPECT_EQ(host.last_event("fault").details,
            (std::map<std::string, std::string>{{"name", "late-reply"}, {"value", "5"}}));
  host.device->clear_faults();
  EXPECT_EQ(host.last_event("fault").details,
            (std::map<std::string, std::string>{{"name", "all"}, {"value", ""}}));
}

TEST_P(Faulty, WhatTheModelCannotHaveIsRefused) {
  EXPECT_EQ(host.device->set_fault("firewall-stuck", "1"), is_blackwell());
  EXPECT_EQ(host.device->set_fault("mnoc-error", "1"), is_blackwell());
  EXPECT_EQ(host.device->set_fault("invalid-state", "1"), GetParam() != Model::ls10);
}

TEST(FaultTable, NamesAndMeaningsAreThereOnce) {
  std::set<std::string_view> names;
  std::set<Fault> faults;
  for (const FaultInfo& info : fault_table()) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_TRUE(faults.insert(info.fault).second) << info.name;
    EXPECT_FALSE(info.meaning.empty()) << info.name;
  }
  EXPECT_EQ(faults.size(), static_cast<std::size_t>(Fault::tail_first) + 1) << "every fault has a row";
}

TEST(FaultTable, NamesAndValuesThatDoNotExistAreRefused) {
  Host host(Model::gb100);
  const std::vector<std::pair<std::string, std::string>> refused = {
      {"no-such-fault", "1"},   {"vanish", "2"},
      {"late-reply", "soon"},   {"late-reply", "0"},
      {"late-reply", "5ms"},    {"late-reply", "-1"},
      {"late-reply", "0x"},     {"late-reply", "4294967296"},
      {"no-reply", "maybe"},    {"no-reply", "1 stuck"},
      {"fsp-error", "0x202@"},  {"fsp-error", "@8"},
      {"fsp-error", "1/erase"}, {"fsp-error", "1@8@9"},
      {"not-stored", "8"},      {"not-stored", "@"}};
  for (const auto& [name, value] : refused)
    EXPECT_FALSE(host.device->set_fault(name, value)) << name << "=" << value;
  EXPECT_EQ(host.count_events("fault"), 0U);
  EXPECT_TRUE(host.device->set_fault("vanish", ""));
}

}  // namespace
}  // namespace emulator
