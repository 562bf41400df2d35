// Callers who mean harm, and text that is none: everybody is answered, and nothing changes.
#include <gtest/gtest.h>

#include <string>

#include "tests/support/bus_fixture.h"

namespace nvccd::test {
namespace {

using dbus::device_interface;
using dbus::manager_interface;
using dbus::manager_path;

class DbusHostile : public BusTest {
 protected:
  DbusHostile() {
    manager.appear(hopper_gpu(gpu));
    serve();
  }

  void expect_unimpressed() {
    EXPECT_TRUE(client.call(manager_path, manager_interface, "ListDevices").ok());
    EXPECT_TRUE(manager.set_mode_requests.empty() && manager.clear_mode_requests.empty() &&
                manager.requests.empty());
  }
  BusMessagePtr call_with_options(std::size_t count, const std::string& key) {
    auto call = client.new_call(manager_path, manager_interface, "ClearMode");
    sd_bus_message_open_container(call.get(), 'a', "{sv}");
    for (std::size_t n = 0; n < count; ++n)
      sd_bus_message_append(call.get(), "{sv}", key.c_str(), "b", 1);
    sd_bus_message_close_container(call.get());
    return call;
  }

  Client client{event.get(), bus.address()};
};

// A process may call itself whatever it likes, and its name gets into the error of a device that it holds.
TEST_F(DbusHostile, BytesThatAreNoTextDoNotCostTheDaemonItsConnection) {
  manager.change_device(gpu, [](DeviceSnapshot& device) {
    device.name = "H100 \xff\xc3";
    device.error = "in use by \xe2\x82";
    device.driver = "\xed\xa0\x80";
  });
  const Reply reply =
      client.call(gpu_path, "org.freedesktop.DBus.Properties", "GetAll", "s", device_interface);
  EXPECT_TRUE(reply.ok()) << reply.error_name;
  manager.refusal = Error{.kind = ErrorKind::device_busy, .cause = "in use by \xf5 (pid 1)"};
  const Reply refused = client.call(gpu_path, device_interface, "Bind");
  EXPECT_EQ(refused.error_name, "org.nvccd1.Error.DeviceBusy");
  EXPECT_EQ(refused.error_message, "in use by \xef\xbf\xbd (pid 1)");
  EXPECT_TRUE(client.call(manager_path, manager_interface, "ListDevices").ok());
}

TEST_F(DbusHostile, FindingsMayHoldAnyBytes) {
  check = [](const std::function<void(Findings)>& done) { done({{.id = "x", .found = "\xff"}}); };
  EXPECT_TRUE(client.call(manager_path, manager_interface, "Check").ok());
}

TEST_F(DbusHostile, LongStringsAreNotSentBack) {
  const std::string text(1'000'000, 'x');
  const Reply replies[] = {
      client.call(manager_path, manager_interface, "SetMode", "sa{sv}", text.c_str(), 0),
      client.call(manager_path, manager_interface, "GetDevice", "s", text.c_str()),
      client.call(call_with_options(1, text)),
  };
  const char* names[] = {"org.nvccd1.Error.InvalidMode", "org.nvccd1.Error.NoSuchDevice",
                         SD_BUS_ERROR_INVALID_ARGS};
  for (std::size_t n = 0; n < std::size(replies); ++n) {
    EXPECT_EQ(replies[n].error_name, names[n]);
    EXPECT_LT(replies[n].error_message.size(), 300U) << names[n];
    EXPECT_TRUE(replies[n].error_message.contains("xxx...")) << replies[n].error_message;
  }
  expect_unimpressed();
}

TEST_F(DbusHostile, ADictionaryOfAHundredThousandEntriesIsRefusedAtTheFirstThatIsWrong) {
  const Reply reply = client.call(call_with_options(100'000, "persist"));
  EXPECT_EQ(reply.error_name, SD_BUS_ERROR_INVALID_ARGS);
  EXPECT_TRUE(reply.error_message.contains("\"persist\" is given twice")) << reply.error_message;
  EXPECT_EQ(client.call(call_with_options(100'000, "no-such-option")).error_name, SD_BUS_ERROR_INVALID_ARGS);
  expect_unimpressed();
}

TEST_F(DbusHostile, AnOptionOfAnyOtherTypeIsRefused) {
  for (const char* type : {"s", "ay", "a{sv}", "(bb)", "v", "aav"}) {
    auto call = client.new_call(manager_path, manager_interface, "ClearMode");
    sd_bus_message_open_container(call.get(), 'a', "{sv}");
    sd_bus_message_open_container(call.get(), 'e', "sv");
    sd_bus_message_append(call.get(), "s", "wait");
    sd_bus_message_open_container(call.get(), 'v', type);
    if (*type == 'a') sd_bus_message_append(call.get(), type, 0);
    if (*type == 's') sd_bus_message_append(call.get(), type, "yes");
    if (*type == '(') sd_bus_message_append(call.get(), type, 1, 1);
    if (*type == 'v') sd_bus_message_append(call.get(), type, "b", 1);
    for (int level = 0; level < 3; ++level)
      sd_bus_message_close_container(call.get());
    const Reply reply = client.call(call);
    EXPECT_EQ(reply.error_name, SD_BUS_ERROR_INVALID_ARGS) << type;
    EXPECT_TRUE(reply.error_message.contains("\"wait\"")) << reply.error_message;
  }
  expect_unimpressed();
}

TEST_F(DbusHostile, PathsThatAreNoObjectsAreNotFound) {
  const std::string long_path = "/org/nvccd1/device/" + std::string(60'000, 'a');
  for (const std::string& path : {std::string("/"), std::string("/org/nvccd1/device"),
                                  std::string("/org/nvccd1/job/0"), std::string("/org/nvccd1/job/4294967296"),
                                  std::string("/org/nvccd1/device/0000_65_00_0/x"), long_path}) {
    EXPECT_FALSE(client.call(path, device_interface, "Reset").ok());
    EXPECT_FALSE(client.call(path, dbus::job_interface, "Cancel").ok());
  }
  expect_unimpressed();
}

TEST_F(DbusHostile, WhoeverWantsNoAnswerGetsNone) {
  auto call = client.new_call(manager_path, manager_interface, "Rescan");
  sd_bus_message_set_expect_reply(call.get(), 0);
  ASSERT_GE(sd_bus_send(client.bus(), call.get(), nullptr), 0);
  EXPECT_TRUE(client.call(manager_path, manager_interface, "ListDevices").ok());
  EXPECT_EQ(manager.requests, std::vector<std::string>{"rescan"});
}

}  // namespace
}  // namespace nvccd::test
