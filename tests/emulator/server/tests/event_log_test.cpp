// The event log: the hardware's own testimony.
#include "tests/emulator/server/event_log.h"

#include <algorithm>
#include <fstream>

#include "fixture.h"

namespace emulator::server::test {
namespace {

class HardwareLog : public ServerTest {};

TEST_F(HardwareLog, TellsWhatTheHardwareSaw) {
  start();
  auto client = connect("gpu0");
  order({{"op", "note"}, {"text", "now the reset"}});
  function_level_reset(*client);
  client->read_number(0, 0, 4);
  EXPECT_EQ(hardware_events("gpu0"), (std::vector<std::string>{"added", "reset", "latched", "booted"}));

  const auto events = server->events();
  for (std::size_t i = 1; i < events.size(); ++i) {
    EXPECT_GT(events[i].at("time_us").get<std::int64_t>(), events[i - 1].at("time_us").get<std::int64_t>());
  }
  const auto reset =
      std::find_if(events.begin(), events.end(), [](const json& e) { return e.at("event") == "reset"; });
  ASSERT_NE(reset, events.end());
  EXPECT_EQ(std::prev(reset)->at("event"), "note");
  EXPECT_EQ(std::prev(reset)->at("details").at("text"), "now the reset");
}

TEST_F(HardwareLog, NamesComingAndLeavingClients) {
  start();
  connect("gpu0")->close();
  connect("gpu0");  // is accepted only after the first has left
  std::vector<std::string> seen;
  for (const json& event : server->events()) {
    if (event.at("device") == "gpu0") seen.push_back(event.at("event"));
  }
  ASSERT_GE(seen.size(), 4U);
  EXPECT_EQ(std::vector(seen.begin(), seen.begin() + 4),
            (std::vector<std::string>{"added", "client-connected", "client-left", "client-connected"}));
}

TEST_F(HardwareLog, TimeGrowsWithEveryLineEvenWithinAMicrosecond) {
  ManualClock clock;
  clock.advance(std::chrono::microseconds(10));
  auto log = EventLog::open(directory / "log", clock);
  ASSERT_TRUE(log);
  log->write("gpu0", "one");
  log->write("gpu0", "two", {{"kind", "bus"}});
  clock.advance(std::chrono::microseconds(5));
  log->write("", "three");
  std::ifstream file(directory / "log");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(text,
            "{\"time_us\":10,\"device\":\"gpu0\",\"event\":\"one\",\"details\":{}}\n"
            "{\"time_us\":11,\"device\":\"gpu0\",\"event\":\"two\",\"details\":{\"kind\":\"bus\"}}\n"
            "{\"time_us\":15,\"device\":\"\",\"event\":\"three\",\"details\":{}}\n");
}

TEST_F(HardwareLog, FileThatCannotBeOpenedIsNamed) {
  SteadyClock clock;
  const auto log = EventLog::open(directory / "absent" / "log", clock);
  ASSERT_FALSE(log);
  EXPECT_NE(log.error().find("absent/log"), std::string::npos) << log.error();
}

}  // namespace
}  // namespace emulator::server::test
