// Who may change something: root, and whom polkit allows it.
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>

#include "tests/support/bus_fixture.h"
#include "tests/support/fake_polkit.h"

namespace nvccd::test {
namespace {

using dbus::device_interface;
using dbus::job_interface;
using dbus::manager_interface;
using dbus::manager_path;

class Authorization : public BusTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
    manager.appear(hopper_gpu("0000:65:00.0"));
    serve();
    user = std::make_unique<Client>(event.get(), bus.address(), nobody);
    polkit = std::make_unique<FakePolkit>(event.get(), bus.address());
  }

  BusMessagePtr set_mode_call(Client& client) {
    auto call = client.new_call(manager_path, manager_interface, "SetMode");
    sd_bus_message_append(call.get(), "sa{sv}", "off", 0);
    return call;
  }
  // Starts a call whose answer is counted.
  BusSlotPtr start_counted(Client& client) {
    return client.start_call(
        set_mode_call(client),
        [](sd_bus_message* answer, void* count, sd_bus_error*) {
          const sd_bus_error* error = sd_bus_message_get_error(answer);
          static_cast<std::vector<std::string>*>(count)->emplace_back(error ? error->name : "");
          return 0;
        },
        &answers);
  }
  bool wait_until(const std::function<bool()>& condition) { return run_until(event.get(), condition); }

  std::unique_ptr<Client> user;
  std::unique_ptr<FakePolkit> polkit;
  std::vector<std::string> answers;
};

TEST_F(Authorization, RootIsNotAskedFor) {
  Client root(event.get(), bus.address());
  EXPECT_TRUE(root.call(set_mode_call(root)).ok());
  EXPECT_TRUE(polkit->checks.empty());
}

TEST_F(Authorization, ReadingIsOpenToEverybody) {
  EXPECT_TRUE(user->call(manager_path, manager_interface, "ListDevices").ok());
  EXPECT_TRUE(user->call(manager_path, manager_interface, "GetDevice", "s", "0000:65:00.0").ok());
  EXPECT_TRUE(user->call(manager_path, manager_interface, "Check").ok());
  EXPECT_TRUE(user->call(gpu_path, "org.freedesktop.DBus.Properties", "GetAll", "s", device_interface).ok());
  EXPECT_TRUE(user->call(manager_path, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects").ok());
  EXPECT_TRUE(polkit->checks.empty());
}

TEST_F(Authorization, EveryMethodThatChangesSomethingAsksForItsAction) {
  manager.start_job({.state = JobState::running});
  const struct {
    const char* path;
    const char* interface;
    const char* member;
    const char* types;
    const char* action;
  } methods[] = {
      {manager_path, manager_interface, "ClearMode", "a{sv}", "org.nvccd1.set-mode"},
      {manager_path, manager_interface, "Rescan", "", "org.nvccd1.manage-devices"},
      {manager_path, manager_interface, "Reload", "", "org.nvccd1.reload"},
      {gpu_path, device_interface, "Bind", "", "org.nvccd1.manage-devices"},
      {gpu_path, device_interface, "Unbind", "", "org.nvccd1.manage-devices"},
      {gpu_path, device_interface, "Reset", "", "org.nvccd1.manage-devices"},
      {"/org/nvccd1/job/1", job_interface, "Cancel", "", "org.nvccd1.set-mode"},
  };
  EXPECT_EQ(user->call(set_mode_call(*user)).error_name, SD_BUS_ERROR_ACCESS_DENIED);
  EXPECT_EQ(polkit->checks.back().action, "org.nvccd1.set-mode");
  for (const auto& [path, interface, member, types, action] : methods) {
    const Reply reply = user->call(path, interface, member, types, 0);
    EXPECT_EQ(reply.error_name, SD_BUS_ERROR_ACCESS_DENIED) << member;
    EXPECT_EQ(polkit->checks.back().action, action) << member;
  }
  EXPECT_EQ(polkit->checks.size(), std::size(methods) + 1);
  EXPECT_TRUE(manager.requests.empty() && manager.set_mode_requests.empty() &&
              manager.clear_mode_requests.empty());
}

TEST_F(Authorization, CancellingNeedsWhatTheJobItselfNeeds) {
  const struct {
    JobKind kind;
    const char* action;
  } cases[] = {{JobKind::set_mode, "org.nvccd1.set-mode"},
               {JobKind::clear_mode, "org.nvccd1.set-mode"},
               {JobKind::bind, "org.nvccd1.manage-devices"},
               {JobKind::unbind, "org.nvccd1.manage-devices"},
               {JobKind::reset, "org.nvccd1.manage-devices"}};
  for (const auto& [kind, action] : cases) {
    const JobId id = manager.start_job({.kind = kind, .state = JobState::running});
    EXPECT_EQ(user->call(dbus::job_path(id), job_interface, "Cancel").error_name, SD_BUS_ERROR_ACCESS_DENIED);
    EXPECT_EQ(polkit->checks.back().action, action) << to_string(kind);
  }
  EXPECT_TRUE(manager.requests.empty());
}

TEST_F(Authorization, WhomPolkitAllowsItMay) {
  polkit->answer = FakePolkit::Answer::allow;
  const Reply reply = user->call(set_mode_call(*user));
  EXPECT_TRUE(reply.ok()) << reply.error_message;
  EXPECT_EQ(reply.read_string('o'), "/org/nvccd1/job/1");
  EXPECT_EQ(manager.set_mode_requests.size(), 1U);
}

TEST_F(Authorization, PolkitIsToldWhoAsksForWhat) {
  user->call(set_mode_call(*user));
  EXPECT_EQ(polkit->checks.at(0).subject, user->unique_name());
  EXPECT_EQ(polkit->checks.at(0).details.at("mode"), "off");
  EXPECT_FALSE(polkit->checks.at(0).interactive);

  auto call = user->new_call(gpu_path, device_interface, "Reset");
  sd_bus_message_set_allow_interactive_authorization(call.get(), 1);
  user->call(call);
  EXPECT_EQ(polkit->checks.at(1).details.at("device"), "0000:65:00.0");
  EXPECT_TRUE(polkit->checks.at(1).interactive);
}

TEST_F(Authorization, ACallerWhoCouldGiveAPasswordIsToldSo) {
  polkit->answer = FakePolkit::Answer::challenge;
  EXPECT_EQ(user->call(set_mode_call(*user)).error_name, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED);
  EXPECT_TRUE(manager.set_mode_requests.empty());
}

TEST_F(Authorization, WithoutAWorkingPolkitOnlyRootMay) {
  polkit->answer = FakePolkit::Answer::fail;
  EXPECT_EQ(user->call(set_mode_call(*user)).error_name, SD_BUS_ERROR_ACCESS_DENIED);
  polkit.reset();
  EXPECT_EQ(user->call(set_mode_call(*user)).error_name, SD_BUS_ERROR_ACCESS_DENIED);
  EXPECT_TRUE(manager.set_mode_requests.empty());
}

TEST_F(Authorization, ArgumentsAreCheckedBeforeAnybodyIsAskedForAPassword) {
  EXPECT_EQ(user->call(manager_path, manager_interface, "SetMode", "sa{sv}", "sideways", 0).error_name,
            "org.nvccd1.Error.InvalidMode");
  EXPECT_TRUE(polkit->checks.empty());
}

TEST_F(Authorization, TheDaemonAnswersOthersWhileAPasswordIsTyped) {
  polkit->answer = FakePolkit::Answer::wait;
  const auto slot = start_counted(*user);
  ASSERT_TRUE(wait_until([&] { return polkit->checks.size() == 1; }));
  Client other(event.get(), bus.address());
  EXPECT_TRUE(other.call(manager_path, manager_interface, "ListDevices").ok());
  EXPECT_TRUE(answers.empty());
  polkit->answer = FakePolkit::Answer::allow;
  polkit->answer_waiting();
  ASSERT_TRUE(wait_until([&] { return !answers.empty(); }));
  EXPECT_EQ(answers, std::vector<std::string>{""});
}

TEST_F(Authorization, ADeviceThatWentWhileThePasswordWasTypedIsLookedUpAgain) {
  polkit->answer = FakePolkit::Answer::wait;
  const auto slot = user->start_call(
      user->new_call(gpu_path, device_interface, "Reset"),
      [](sd_bus_message* answer, void* names, sd_bus_error*) {
        static_cast<std::vector<std::string>*>(names)->emplace_back(sd_bus_message_get_error(answer)->name);
        return 0;
      },
      &answers);
  ASSERT_TRUE(wait_until([&] { return polkit->checks.size() == 1; }));
  manager.disappear("0000:65:00.0");
  manager.refusal = Error{.kind = ErrorKind::no_such_device, .cause = "it is gone"};
  polkit->answer = FakePolkit::Answer::allow;
  polkit->answer_waiting();
  ASSERT_TRUE(wait_until([&] { return !answers.empty(); }));
  EXPECT_EQ(answers, std::vector<std::string>{"org.nvccd1.Error.NoSuchDevice"});
}

TEST_F(Authorization, WhenTheCallerLeavesTheQuestionIsTakenBackAndNothingHappens) {
  polkit->answer = FakePolkit::Answer::wait;
  {
    const auto slot = start_counted(*user);
    ASSERT_TRUE(wait_until([&] { return polkit->checks.size() == 1; }));
  }
  user->disconnect();
  ASSERT_TRUE(wait_until([&] { return !polkit->cancelled.empty(); }));
  EXPECT_EQ(polkit->cancelled, std::vector<std::string>{polkit->checks[0].cancellation_id});
  polkit->answer = FakePolkit::Answer::allow;
  polkit->answer_waiting();
  Client root(event.get(), bus.address());
  EXPECT_TRUE(root.call(manager_path, manager_interface, "ListDevices").ok());
  EXPECT_TRUE(manager.set_mode_requests.empty());
}

TEST_F(Authorization, ACallerCannotFillTheDaemonsMemoryWithQuestions) {
  polkit->answer = FakePolkit::Answer::wait;
  std::vector<BusSlotPtr> slots;
  for (int i = 0; i < 20; ++i)
    slots.push_back(start_counted(*user));
  ASSERT_TRUE(wait_until([&] { return answers.size() == 12; }));
  EXPECT_EQ(answers, std::vector<std::string>(12, SD_BUS_ERROR_LIMITS_EXCEEDED));
  EXPECT_EQ(polkit->checks.size(), 8U);

  Client other(event.get(), bus.address(), nobody);
  polkit->answer = FakePolkit::Answer::allow;
  EXPECT_TRUE(other.call(set_mode_call(other)).ok()) << "one caller's questions kept another from asking";
}

TEST_F(Authorization, TheDaemonStopsWithQuestionsOpen) {
  polkit->answer = FakePolkit::Answer::wait;
  const auto slot = start_counted(*user);
  ASSERT_TRUE(wait_until([&] { return polkit->checks.size() == 1; }));
  service.reset();
  ASSERT_TRUE(wait_until([&] { return !answers.empty(); }));
  EXPECT_EQ(answers, std::vector<std::string>{SD_BUS_ERROR_NO_REPLY});
}

}  // namespace
}  // namespace nvccd::test
