// Starting and ending the program, and its command line.
#include <fstream>

#include "fixture.h"

namespace emulator::server::test {
namespace {

class Program : public ServerTest {
 protected:
  Finished run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--dir", directory.string()});
    return run_program(arguments);
  }
};

TEST_F(Program, EndsCleanlyWhenAsked) {
  start();
  auto client = connect("gpu0");
  EXPECT_EQ(server->end(SIGTERM), 0);
  EXPECT_TRUE(client->closed_by_server());
  for (const char* name : {"gpu0", "sw0", "control"}) {
    EXPECT_FALSE(std::filesystem::exists(server->socket(name))) << name;
  }
}

TEST_F(Program, StartsAgainWhereItWasKilled) {
  start();
  EXPECT_EQ(server->end(SIGKILL), -SIGKILL);
  start();
  EXPECT_EQ(connect("gpu0")->read_number(config, 0, 4), 0x233010DEU);
  std::size_t starts = 0;
  for (const json& event : server->events())
    starts += event.at("event") == "started" ? 1U : 0U;
  EXPECT_EQ(starts, 2U) << "the log of the first is kept";
}

TEST_F(Program, LeavesADirectoryToTheServerThatHasIt) {
  start();
  const Finished second = run({"--gpu", "gh100"});
  EXPECT_EQ(second.status, 1);
  EXPECT_NE(second.errors.find("another nvccd-emulator"), std::string::npos) << second.errors;
  EXPECT_TRUE(server->status("gpu0").at("present").get<bool>());
}

TEST_F(Program, ServesTheNodeOfAFile) {
  std::ofstream(directory / "node.json") << R"({"devices":[{"name":"a","model":"gb202","device_id":11141},
                                                          {"name":"b","model":"gh100","bar1_mib":256}]})";
  start({"--node", (directory / "node.json").string()});
  EXPECT_EQ(connect("a")->read_number(config, 0, 4), 0x2B8510DEU);
  const auto bar1 =
      connect("b")->call(5, vfio_user::test::Pack().u32(32).u32(0).u32(2).u32(0).u64(0).u64(0).bytes());
  EXPECT_EQ(bar1.u64(16), 256U << 20U) << "the second 64-bit BAR has region 2";
}

TEST_F(Program, RefusesANodeItCannotServe) {
  EXPECT_EQ(run({"--gpu", "h100"}).status, 1);
  EXPECT_EQ(run({"--gpu", "ls10"}).status, 1);
  EXPECT_EQ(run({"--nvswitch", "gh100"}).status, 1);
  EXPECT_EQ(run({"--node", (directory / "absent.json").string()}).status, 1);
  for (const char* node : {"", "{}", "[]", R"({"devices":[1]})", R"({"devices":[{"name":"a"}]})",
                           R"({"devices":[{"name":"a","model":"gh100"},{"name":"a","model":"gh100"}]})",
                           R"({"devices":[{"name":"a","model":"gh100","device_id":65536}]})"}) {
    std::ofstream(directory / "bad.json") << node;
    const Finished finished = run({"--node", (directory / "bad.json").string()});
    EXPECT_EQ(finished.status, 1) << node;
    EXPECT_NE(finished.errors.find("bad.json: "), std::string::npos) << finished.errors;
  }
}

TEST_F(Program, CtlPrintsTheAnswerAndTellsFailure) {
  start();
  const Finished good = run({"ctl", R"({"op": "status",
                                       "device": "sw0"})"});
  EXPECT_EQ(good.status, 0);
  EXPECT_EQ(json::parse(good.output), server->status("sw0"));
  const Finished bad = run({"ctl", R"({"op": "status", "device": "nobody"})"});
  EXPECT_EQ(bad.status, 1);
  EXPECT_FALSE(json::parse(bad.output).at("ok").get<bool>());
}

TEST_F(Program, CtlWithoutAServerSaysSo) {
  const Finished finished = run({"ctl", "{}"});
  EXPECT_EQ(finished.status, 1);
  EXPECT_NE(finished.errors.find("control.sock"), std::string::npos) << finished.errors;
}

}  // namespace
}  // namespace emulator::server::test
