// Check: one run of the preflight checks for everybody who asks meanwhile.
#include <gtest/gtest.h>

#include "tests/support/bus_fixture.h"

namespace nvccd::test {
namespace {

class DbusCheck : public BusTest {
 protected:
  DbusCheck() {
    check = [this](std::function<void(Findings)> done) { runs.push_back(std::move(done)); };
    serve();
  }

  BusSlotPtr ask(Client& caller) {
    return caller.start_call(
        caller.new_call(dbus::manager_path, dbus::manager_interface, "Check"),
        [](sd_bus_message* answer, void* self, sd_bus_error*) {
          static_cast<DbusCheck*>(self)->answers.push_back(share(answer));
          return 0;
        },
        this);
  }
  bool wait_for_answers(std::size_t count) {
    return run_until(event.get(), [&] { return answers.size() >= count; });
  }
  void wait_for_run() {
    ASSERT_TRUE(run_until(event.get(), [&] { return !runs.empty(); }));
  }

  std::vector<std::function<void(Findings)>> runs;
  std::vector<BusMessagePtr> answers;
  Client client{event.get(), bus.address()};
};

TEST_F(DbusCheck, TheFindingsComeWhenTheChecksAreDone) {
  const auto slot = ask(client);
  wait_for_run();
  EXPECT_TRUE(client.call(dbus::manager_path, dbus::manager_interface, "ListDevices").ok())
      << "nobody was answered while the checks ran";
  EXPECT_TRUE(answers.empty());
  runs[0]({{.id = "iommu.groups", .result = CheckResult::fail, .found = "shared", .advice = "another slot"},
           {.id = "tdx.module", .result = CheckResult::skip, .found = "not Intel"}});
  ASSERT_TRUE(wait_for_answers(1));
  const char* texts[8] = {};
  ASSERT_GT(sd_bus_message_read(answers[0].get(), "a(ssss)", 2, &texts[0], &texts[1], &texts[2], &texts[3],
                                &texts[4], &texts[5], &texts[6], &texts[7]),
            0);
  const std::vector<std::string> said(std::begin(texts), std::end(texts));
  EXPECT_EQ(said, (std::vector<std::string>{"iommu.groups", "fail", "shared", "another slot", "tdx.module",
                                            "skip", "not Intel", ""}));
}

TEST_F(DbusCheck, WhoAsksMeanwhileGetsTheSameFindingsAndTheNextOnesAreNew) {
  Client other(event.get(), bus.address());
  const auto first = ask(client);
  const auto second = ask(other);
  wait_for_run();
  ASSERT_TRUE(other.call(dbus::manager_path, dbus::manager_interface, "ListDevices").ok());
  EXPECT_EQ(runs.size(), 1U);
  runs[0]({});
  ASSERT_TRUE(wait_for_answers(2));
  const auto third = ask(client);
  ASSERT_TRUE(run_until(event.get(), [&] { return runs.size() == 2; }));
}

TEST_F(DbusCheck, ACallerThatLeavesDisturbsNobody) {
  auto leaving = std::make_unique<Client>(event.get(), bus.address());
  {
    const auto lost = ask(*leaving);
    wait_for_run();
  }
  leaving.reset();
  const auto slot = ask(client);
  ASSERT_TRUE(client.call(dbus::manager_path, dbus::manager_interface, "ListDevices").ok());
  runs[0]({});
  EXPECT_TRUE(wait_for_answers(1));
}

TEST_F(DbusCheck, ACallerCannotFillTheDaemonsMemoryWithCalls) {
  std::vector<BusSlotPtr> slots;
  for (int i = 0; i < 20; ++i)
    slots.push_back(ask(client));
  ASSERT_TRUE(wait_for_answers(12));
  EXPECT_STREQ(sd_bus_message_get_error(answers[0].get())->name, SD_BUS_ERROR_LIMITS_EXCEEDED);
  Client other(event.get(), bus.address());
  const auto slot = ask(other);
  ASSERT_TRUE(other.call(dbus::manager_path, dbus::manager_interface, "ListDevices").ok());
  EXPECT_EQ(answers.size(), 12U) << "one caller's calls kept another from asking";
  EXPECT_EQ(runs.size(), 1U);
  runs[0]({});
  EXPECT_TRUE(wait_for_answers(21));
}

TEST_F(DbusCheck, ChecksThatEndAfterTheDaemonHasStoppedAreForgotten) {
  const auto slot = ask(client);
  wait_for_run();
  service.reset();
  runs[0]({});
  ASSERT_TRUE(wait_for_answers(1));
  EXPECT_STREQ(sd_bus_message_get_error(answers[0].get())->name, SD_BUS_ERROR_NO_REPLY);
}

}  // namespace
}  // namespace nvccd::test
