// What callers of nvccd's methods get.
#include <gtest/gtest.h>

#include "common/bus/error_name.h"
#include "tests/support/bus_fixture.h"

namespace nvccd::test {
namespace {

using dbus::device_interface;
using dbus::job_interface;
using dbus::manager_interface;
using dbus::manager_path;

class DbusCalls : public BusTest {
 protected:
  DbusCalls() {
    manager.appear(hopper_gpu("0000:65:00.0"));
    serve();
  }

  template <typename... Arguments>
  Reply call_manager(const char* member, Arguments... arguments) {
    return client.call(manager_path, manager_interface, member, arguments...);
  }

  Client client{event.get(), bus.address()};
};

TEST_F(DbusCalls, SetModeReturnsTheJobAtOnce) {
  const Reply reply = call_manager("SetMode", "sa{sv}", "off", 0);
  ASSERT_TRUE(reply.ok()) << reply.error_message;
  EXPECT_EQ(reply.read_string('o'), "/org/nvccd1/job/1");
  ASSERT_EQ(manager.set_mode_requests.size(), 1U);
  EXPECT_EQ(manager.set_mode_requests[0].mode, Mode::off);
  EXPECT_EQ(manager.jobs().at(1).state, JobState::running);
}

TEST_F(DbusCalls, ModeOptionsHaveTheDefaultsOfTheContract) {
  call_manager("SetMode", "sa{sv}", "off", 0);
  const ModeOptions& defaults = manager.set_mode_requests.at(0).options;
  EXPECT_TRUE(defaults.persist);
  EXPECT_EQ(defaults.wait, std::nullopt);
  EXPECT_FALSE(defaults.dry_run);

  call_manager("SetMode", "sa{sv}", "off", 3, "persist", "b", 0, "wait", "b", 0, "dry-run", "b", 1);
  const ModeOptions& given = manager.set_mode_requests.at(1).options;
  EXPECT_FALSE(given.persist);
  EXPECT_EQ(given.wait, false);
  EXPECT_TRUE(given.dry_run);
}

TEST_F(DbusCalls, AnOptionThatIsNotKnownOrNotABooleanIsRefusedByName) {
  Reply reply = call_manager("SetMode", "sa{sv}", "off", 1, "presist", "b", 1);
  EXPECT_EQ(reply.error_name, SD_BUS_ERROR_INVALID_ARGS);
  EXPECT_TRUE(reply.error_message.contains("\"presist\"")) << reply.error_message;

  reply = call_manager("ClearMode", "a{sv}", 2, "persist", "b", 1, "wait", "s", "no");
  EXPECT_EQ(reply.error_name, SD_BUS_ERROR_INVALID_ARGS);
  EXPECT_TRUE(reply.error_message.contains("\"wait\"")) << reply.error_message;

  EXPECT_TRUE(manager.set_mode_requests.empty());
  EXPECT_TRUE(manager.clear_mode_requests.empty());
}

TEST_F(DbusCalls, AModeThatThereIsNotIsRefusedByName) {
  for (const char* mode : {"", "On", "unknown", "failed"}) {
    const Reply reply = call_manager("SetMode", "sa{sv}", mode, 0);
    EXPECT_EQ(reply.error_name, "org.nvccd1.Error.InvalidMode") << mode;
  }
  EXPECT_TRUE(manager.set_mode_requests.empty());
}

TEST_F(DbusCalls, WrongSignaturesAreRefused) {
  EXPECT_EQ(call_manager("SetMode", "s", "off").error_name, SD_BUS_ERROR_INVALID_ARGS);
  EXPECT_EQ(call_manager("SetMode", "ua{sv}", 1U, 0).error_name, SD_BUS_ERROR_INVALID_ARGS);
  EXPECT_EQ(call_manager("Rescan", "s", "now").error_name, SD_BUS_ERROR_INVALID_ARGS);
  EXPECT_EQ(call_manager("Frobnicate").error_name, SD_BUS_ERROR_UNKNOWN_METHOD);
}

TEST_F(DbusCalls, EveryKindOfErrorHasItsNameAndSaysWhatHappened) {
  struct {
    ErrorKind kind;
    const char* name;
  } const cases[] = {
      {ErrorKind::invalid_mode, "org.nvccd1.Error.InvalidMode"},
      {ErrorKind::not_supported, "org.nvccd1.Error.NotSupported"},
      {ErrorKind::no_such_device, "org.nvccd1.Error.NoSuchDevice"},
      {ErrorKind::device_busy, "org.nvccd1.Error.DeviceBusy"},
      {ErrorKind::job_in_progress, "org.nvccd1.Error.JobInProgress"},
      {ErrorKind::cancelled, "org.nvccd1.Error.Cancelled"},
      {ErrorKind::hardware_failed, "org.nvccd1.Error.HardwareFailed"},
      {ErrorKind::invalid_config, "org.nvccd1.Error.InvalidConfig"},
      {ErrorKind::system, "org.freedesktop.DBus.Error.Failed"},
  };
  for (const auto& [kind, name] : cases) {
    manager.refusal = Error{.kind = kind, .cause = "because"};
    const Reply reply = call_manager("Reload");
    EXPECT_EQ(reply.error_name, name);
    EXPECT_EQ(reply.error_message, "because");
    EXPECT_EQ(parse_enum<ErrorKind>(name), kind);
  }
}

TEST_F(DbusCalls, DevicesAreListedAndFound) {
  manager.appear(ls10_switch("0000:83:00.0"));
  const Reply list = call_manager("ListDevices");
  const char* first = nullptr;
  const char* second = nullptr;
  ASSERT_GT(sd_bus_message_read(list.message.get(), "ao", 2, &first, &second), 0);
  EXPECT_STREQ(first, gpu_path);
  EXPECT_STREQ(second, "/org/nvccd1/device/0000_83_00_0");

  EXPECT_EQ(call_manager("GetDevice", "s", "0000:65:00.0").read_string('o'), gpu_path);
  for (const char* address : {"0000:66:00.0", "", "65", "GPU-1234"})
    EXPECT_EQ(call_manager("GetDevice", "s", address).error_name, "org.nvccd1.Error.NoSuchDevice") << address;
}

TEST_F(DbusCalls, ADeviceIsBoundUnboundAndReset) {
  const Reply reply = client.call(gpu_path, device_interface, "Bind");
  EXPECT_EQ(reply.read_string('o'), "/org/nvccd1/job/1");
  client.call(gpu_path, device_interface, "Unbind");
  client.call(gpu_path, device_interface, "Reset");
  EXPECT_EQ(manager.requests,
            (std::vector<std::string>{"bind 0000:65:00.0", "unbind 0000:65:00.0", "reset 0000:65:00.0"}));
  EXPECT_EQ(client.call("/org/nvccd1/device/0000_99_00_0", device_interface, "Bind").error_name,
            SD_BUS_ERROR_UNKNOWN_OBJECT);
}

TEST_F(DbusCalls, AJobIsCancelledAndGoesAway) {
  const JobId id = manager.start_job({.state = JobState::running});
  EXPECT_TRUE(client.call(dbus::job_path(id), job_interface, "Cancel").ok());
  EXPECT_EQ(client.call(dbus::job_path(id), job_interface, "Cancel").error_name, SD_BUS_ERROR_UNKNOWN_OBJECT);
  EXPECT_EQ(manager.requests, std::vector<std::string>{"cancel 1"});
}

TEST_F(DbusCalls, PropertiesCannotBeWritten) {
  const Reply reply = client.call(manager_path, "org.freedesktop.DBus.Properties", "Set", "ssv",
                                  manager_interface, "Ready", "b", 1);
  EXPECT_EQ(reply.error_name, SD_BUS_ERROR_PROPERTY_READ_ONLY);
}

TEST_F(DbusCalls, AnExceptionIsAnErrorOfTheCallAndTheDaemonLives) {
  manager.on_new_job = [](JobId) { throw std::runtime_error("a bug"); };
  const Reply reply = call_manager("SetMode", "sa{sv}", "off", 0);
  EXPECT_EQ(reply.error_name, SD_BUS_ERROR_FAILED);
  EXPECT_EQ(reply.error_message, "a bug");
  EXPECT_TRUE(call_manager("ListDevices").ok());
}

TEST_F(DbusCalls, ASecondDaemonIsToldThatThereIsOne) {
  FakeManager other;
  const auto second = BusService::create(event.get(), bus.address(), other, check);
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().message().contains("belongs to another process")) << second.error().message();
}

TEST(DbusService, SaysWhichBusItCannotReach) {
  const EventPtr event = new_event_loop();
  FakeManager manager;
  const auto service = BusService::create(event.get(), "unix:path=/nonexistent", manager, {});
  ASSERT_FALSE(service);
  EXPECT_TRUE(service.error().message().contains("unix:path=/nonexistent"));
}

}  // namespace
}  // namespace nvccd::test
