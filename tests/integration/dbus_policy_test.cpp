// The shipped bus policy on a bus that otherwise denies, as the system's does.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "daemon/bus/authority.h"
#include "tests/support/bus_fixture.h"

namespace nvccd::test {
namespace {

constexpr const char* stock_and_ours =
    "<policy context='default'>"
    "<allow user='*'/><deny own='*'/><deny send_type='method_call'/>"
    "<allow send_type='signal'/><allow send_requested_reply='true' send_type='method_return'/>"
    "<allow send_requested_reply='true' send_type='error'/>"
    "<allow receive_type='method_call'/><allow receive_type='method_return'/>"
    "<allow receive_type='error'/><allow receive_type='signal'/>"
    "<allow send_destination='org.freedesktop.DBus'/>"
    "</policy>"
    "<include>" NVCCD_SOURCE_DIR "/dbus/org.nvccd1.conf</include>";

class BusPolicy : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  }

  EventPtr event = new_event_loop();
  PrivateBus bus{stock_and_ours};
  FakeManager manager;
};

TEST_F(BusPolicy, RootOwnsTheNameAndEverybodyMayTalkToIt) {
  const auto service = BusService::create(event.get(), bus.address(), manager, {});
  ASSERT_TRUE(service) << service.error().message();
  Client user(event.get(), bus.address(), nobody);
  EXPECT_TRUE(user.call(dbus::manager_path, dbus::manager_interface, "ListDevices").ok());
  EXPECT_TRUE(user.call(dbus::manager_path, "org.freedesktop.DBus.Introspectable", "Introspect").ok());
}

TEST_F(BusPolicy, NobodyElseCanPoseAsNvccd) {
  Client user(event.get(), bus.address(), nobody);
  EXPECT_EQ(sd_bus_request_name(user.bus(), dbus::bus_name, 0), -EACCES);
}

TEST(PolkitPolicy, DescribesEveryActionThatTheDaemonAsksFor) {
  std::stringstream policy;
  policy << std::ifstream(NVCCD_SOURCE_DIR "/dbus/org.nvccd1.policy").rdbuf();
  for (const dbus::Access access :
       {dbus::Access::set_mode, dbus::Access::manage_devices, dbus::Access::reload})
    EXPECT_TRUE(policy.str().contains("<action id=\"" + std::string(dbus::action_id(access)) + "\">"))
        << dbus::action_id(access);
}

}  // namespace
}  // namespace nvccd::test
