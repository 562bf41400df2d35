// What a guest does to a device, and what the server says of it.
#include "fixture.h"

namespace emulator::server::test {
namespace {

class Guest : public ServerTest {};

TEST_F(Guest, FindsEachDeviceAtItsSocket) {
  start();
  EXPECT_EQ(connect("gpu0")->read_number(config, 0, 4), 0x233010DEU);
  EXPECT_EQ(connect("sw0")->read_number(config, 0, 4), 0x22A310DEU);
  EXPECT_EQ(connect("gpu1")->read_number(config, 0, 2), 0x10DEU);
}

TEST_F(Guest, ReadsTheChipIdInBar0) {
  start();
  EXPECT_EQ(connect("sw0")->read_number(0, 0, 4), 0x007000A1U);
}

TEST_F(Guest, FunctionLevelResetIsAConfigurationWrite) {
  start();
  auto client = connect("gpu0");
  function_level_reset(*client);
  const json counters = server->status("gpu0").at("counters");
  EXPECT_EQ(counters.at("function_level_resets"), 1);
  EXPECT_EQ(counters.at("bus_resets"), 0);
}

TEST_F(Guest, ResetMessageIsABusReset) {
  start();
  auto client = connect("gpu0");
  ASSERT_FALSE(client->call(13, {}).failed());
  EXPECT_EQ(server->status("gpu0").at("counters").at("bus_resets"), 1);
  EXPECT_EQ(server->status("gpu1").at("counters").at("bus_resets"), 0);
}

TEST_F(Guest, KnobsTakeEffectAtItsReset) {
  start();
  auto client = connect("gpu0");
  order({{"op", "set-knob"}, {"device", "gpu0"}, {"knob", 8}, {"value", 1}});
  EXPECT_EQ(server->status("gpu0").at("knobs").at("8"), 1);
  EXPECT_EQ(server->status("gpu0").at("active_mode"), "off");
  function_level_reset(*client);
  EXPECT_EQ(server->status("gpu0").at("active_mode"), "on");
}

TEST_F(Guest, SeesTheDeviceBootAfterAReset) {
  start({"--gpu", "gh100", "--boot-ms", "3600000"});
  auto client = connect("gpu0");
  constexpr std::uint64_t boot_register = 0x200BC;
  EXPECT_TRUE(server->status("gpu0").at("booted").get<bool>());
  EXPECT_EQ(client->read_number(0, boot_register, 4), 0xFFU);
  function_level_reset(*client);
  EXPECT_FALSE(server->status("gpu0").at("booted").get<bool>());
  order({{"op", "delays"}, {"boot_ms", 0}});
  function_level_reset(*client);
  EXPECT_TRUE(server->status("gpu0").at("booted").get<bool>());
}

TEST_F(Guest, IsNamedInTheStatusWhileItIsConnected) {
  start();
  EXPECT_FALSE(server->status("gpu0").at("connected").get<bool>());
  auto client = connect("gpu0");
  EXPECT_TRUE(server->status("gpu0").at("connected").get<bool>());
  EXPECT_FALSE(server->status("sw0").at("connected").get<bool>());
}

TEST_F(Guest, NextOneFindsTheDeviceAsItWasLeft) {
  start();
  function_level_reset(*connect("gpu0"));
  connect("gpu0");
  EXPECT_EQ(server->status("gpu0").at("counters").at("function_level_resets"), 1);
}

TEST_F(Guest, LosesADeviceThatIsKilledAndGetsItBackPluggedIn) {
  start();
  order({{"op", "set-knob"}, {"device", "gpu0"}, {"knob", 8}, {"value", 1}});
  auto client = connect("gpu0");
  auto other = connect("gpu1");
  order({{"op", "kill"}, {"device", "gpu0"}});
  EXPECT_TRUE(client->closed_by_server());
  EXPECT_THROW(Client(server->socket("gpu0")), std::runtime_error);
  EXPECT_FALSE(server->status("gpu0").at("present").get<bool>());
  EXPECT_FALSE(other->read(config, 0, 4).failed()) << "the others stay";

  order({{"op", "add"}, {"name", "gpu0"}, {"model", "gh100"}});
  EXPECT_EQ(connect("gpu0")->read_number(config, 0, 4), 0x233010DEU);
  EXPECT_EQ(server->status("gpu0").at("counters").at("power_cycles"), 1);
  EXPECT_EQ(server->status("gpu0").at("active_mode"), "on") << "knobs survive, power on makes them active";
}

TEST_F(Guest, PluggedInDeviceIsThereOnceItAnswers) {
  start({"--gpu", "gh100", "--reset-ms", "100"});
  order({{"op", "kill"}, {"device", "gpu0"}});
  order({{"op", "add"}, {"name", "gpu0"}, {"model", "gh100"}});
  EXPECT_EQ(connect("gpu0")->read_number(config, 0, 4), 0x233010DEU)
      << "QEMU hangs if it reads all ones here";
}

TEST_F(Guest, GetsANewDevice) {
  start();
  order({{"op", "add"}, {"name", "late"}, {"model", "ls10"}});
  EXPECT_EQ(connect("late")->read_number(config, 0, 4), 0x22A310DEU);
}

}  // namespace
}  // namespace emulator::server::test
