// The control socket: what a test learns and orders.
#include "fixture.h"

namespace emulator::server::test {
namespace {

class Control : public ServerTest {
 protected:
  std::string refusal(const json& request) {
    const json answer = server->ask(request);
    EXPECT_FALSE(answer.at("ok").get<bool>()) << request << " gave " << answer;
    return answer.value("error", "");
  }
};

TEST_F(Control, StatusTellsEverythingOfADevice) {
  start({"--gpu", "gh100", "--reply-us", "50", "--reset-ms", "20", "--boot-ms", "30"});
  EXPECT_EQ(server->status("gpu0"), json::parse(R"({"ok":true,"device":"gpu0","model":"gh100","present":true,
    "connected":false,"active_mode":"off","booted":true,
    "knobs":{"2":0,"4":0,"6":0,"8":0,"10":0,"34":0,"44":1,"45":0},
    "counters":{"function_level_resets":0,"bus_resets":0,"power_cycles":0,"knob_reads":0,"knob_writes":0,
                "register_accesses":0,"protocol_errors":0},
    "faults":{},"delays":{"reply_us":50,"reset_ms":20,"boot_ms":30}})"));
}

TEST_F(Control, StatusOfAllNamesEachDevice) {
  start();
  const json devices = server->ask({{"op", "status"}}).at("devices");
  ASSERT_EQ(devices.size(), 3U);
  EXPECT_EQ(devices[0].at("device"), "gpu0");
  EXPECT_EQ(devices[1].at("model"), "gb100");
  EXPECT_EQ(devices[2].at("device"), "sw0");
}

TEST_F(Control, FaultWorksUntilItIsCleared) {
  start();
  auto client = connect("gpu0");
  order({{"op", "fault"}, {"device", "gpu0"}, {"name", "bar0-all-ones"}, {"value", "1"}});
  EXPECT_EQ(client->read_number(0, 0, 4), 0xFFFFFFFFU);
  EXPECT_EQ(server->status("gpu0").at("faults"), json({{"bar0-all-ones", "1"}}));
  order({{"op", "fault"}, {"device", "gpu0"}, {"name", "bar0-all-ones"}, {"value", ""}});
  EXPECT_NE(client->read_number(0, 0, 4), 0xFFFFFFFFU);
  EXPECT_EQ(server->status("gpu0").at("faults"), json::object());

  order({{"op", "fault"}, {"device", "gpu0"}, {"name", "reset-fails"}, {"value", "1"}});
  EXPECT_TRUE(client->call(13, {}).failed());
  order({{"op", "clear-faults"}});
  EXPECT_FALSE(client->call(13, {}).failed());
  EXPECT_EQ(server->status("gpu0").at("faults"), json::object());
}

TEST_F(Control, KnobsBecomeActiveWithoutAResetWhenLatched) {
  start();
  order({{"op", "set-knob"}, {"device", "gpu0"}, {"knob", 8}, {"value", 1}});
  order({{"op", "latch"}, {"device", "gpu0"}});
  EXPECT_EQ(server->status("gpu0").at("active_mode"), "on");
  EXPECT_EQ(server->status("gpu0").at("counters").at("function_level_resets"), 0);
}

TEST_F(Control, DelaysChangeOnlyWhereTheyAreNamed) {
  start();
  order({{"op", "delays"}, {"reply_us", 7}});
  order({{"op", "delays"}, {"device", "gpu0"}, {"boot_ms", 9}});
  EXPECT_EQ(server->status("gpu0").at("delays"), json::parse(R"({"reply_us":7,"reset_ms":0,"boot_ms":9})"));
  EXPECT_EQ(server->status("sw0").at("delays"), json::parse(R"({"reply_us":7,"reset_ms":0,"boot_ms":0})"));
}

TEST_F(Control, PowerCycleIsCounted) {
  start();
  order({{"op", "power-cycle"}, {"device", "sw0"}});
  order({{"op", "power-cycle"}});
  EXPECT_EQ(server->status("sw0").at("counters").at("power_cycles"), 2);
  EXPECT_EQ(server->status("gpu0").at("counters").at("power_cycles"), 1);
}

TEST_F(Control, RefusalsSayWhatIsWrong) {
  start();
  EXPECT_NE(refusal({{"op", "nonsense"}}).find("use one of status, fault"), std::string::npos);
  EXPECT_NE(refusal({{"op", "status"}, {"device", "gpu7"}}).find("no device gpu7"), std::string::npos);
  EXPECT_NE(refusal({{"op", "fault"}, {"device", "gpu0"}, {"name", "x"}, {"value", "1"}}).find("vanish"),
            std::string::npos)
      << "the known faults are listed";
  EXPECT_NE(refusal({{"op", "add"}, {"name", "gpu0"}, {"model", "gh100"}}).find("there already"),
            std::string::npos);
  EXPECT_NE(refusal({{"op", "add"}, {"name", "new"}, {"model", "h100"}}).find("gh100"), std::string::npos);
}

TEST_F(Control, IncompleteRequestsAreRefused) {
  start();
  for (const char* request : {R"({})",
                              R"([])",
                              R"(1)",
                              R"({"op":1})",
                              R"({"op":"status","device":1})",
                              R"({"op":"fault","device":"gpu0"})",
                              R"({"op":"fault","device":"gpu0","name":"vanish","value":"maybe"})",
                              R"({"op":"delays"})",
                              R"({"op":"delays","boot_ms":-1})",
                              R"({"op":"delays","boot_ms":99999999999})",
                              R"({"op":"set-knob","device":"gpu0","knob":0,"value":1})",
                              R"({"op":"set-knob","device":"gpu0","knob":48,"value":1})",
                              R"({"op":"set-knob","device":"gpu0","knob":2,"value":65536})",
                              R"({"op":"latch"})",
                              R"({"op":"kill"})",
                              R"({"op":"kill","device":"gpu9"})",
                              R"({"op":"add","name":"../x","model":"gh100"})",
                              R"({"op":"add","name":"control","model":"gh100"})",
                              R"({"op":"add","name":"x","model":"gh100","bar1_mib":3})",
                              R"({"op":"note"})"}) {
    refusal(json::parse(request));
  }
  EXPECT_FALSE(
      json::parse(run_program({"--dir", directory.string(), "ctl", "{\"op\""}).output).at("ok").get<bool>());
  EXPECT_EQ(server->ask({{"op", "status"}}).at("devices").size(), 3U);
}

}  // namespace
}  // namespace emulator::server::test
