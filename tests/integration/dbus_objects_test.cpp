// What a reader of the bus sees: objects, properties, signals, introspection.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <regex>
#include <sstream>

#include "support/bus_fixture.h"

namespace nvccd::test {
namespace {

using dbus::device_interface;
using dbus::job_interface;
using dbus::manager_interface;
using dbus::manager_path;

constexpr const char* properties_interface = "org.freedesktop.DBus.Properties";
constexpr const char* gpu_path = "/org/nvccd1/device/0000_65_00_0";

// Signals of nvccd in the order of their arrival, as "Member argument argument ...".
class SignalLog {
 public:
  explicit SignalLog(Client& client) {
    sd_bus_slot* slot = nullptr;
    sd_bus_add_match(client.bus(), &slot, "type='signal',sender='org.nvccd1'", note, this);
    slot_.reset(slot);
  }

  bool contains(const std::string& line) const { return std::ranges::find(lines, line) != lines.end(); }

  std::vector<std::string> lines;

 private:
  static std::string describe(sd_bus_message* message) {
    std::string line = sd_bus_message_get_member(message);
    if (line == "PropertiesChanged" || line == "InterfacesAdded" || line == "InterfacesRemoved") {
      const char* object = sd_bus_message_get_path(message);
      if (line != "PropertiesChanged") sd_bus_message_read(message, "o", &object);
      return line + " " + object + (line == "PropertiesChanged" ? changed(message) : "");
    }
    const char* job = nullptr;
    const char* result = "";
    std::uint32_t id = 0;
    sd_bus_message_read(message, "uo", &id, &job);
    if (line == "JobRemoved") sd_bus_message_read(message, "s", &result);
    return fmt::format("{} {} {} {}", line, id, job, result);
  }

  static std::string changed(sd_bus_message* message) {
    std::string names;
    const char* name = nullptr;
    sd_bus_message_read(message, "s", &name);
    sd_bus_message_enter_container(message, 'a', "{sv}");
    while (sd_bus_message_enter_container(message, 'e', "sv") > 0) {
      sd_bus_message_read(message, "s", &name);
      sd_bus_message_skip(message, "v");
      sd_bus_message_exit_container(message);
      names += std::string(" ") + name;
    }
    return names;
  }

  static int note(sd_bus_message* message, void* userdata, sd_bus_error*) {
    static_cast<SignalLog*>(userdata)->lines.push_back(describe(message));
    return 0;
  }

  BusSlotPtr slot_;
};

class DbusObjects : public BusTest {
 protected:
  DbusObjects() {
    manager.appear(hopper_gpu("0000:65:00.0"));
    serve();
  }

  bool wait_for(const SignalLog& log, const std::string& line) {
    return run_until(event.get(), [&] { return log.contains(line); });
  }
  std::string get_string(const std::string& path, const char* interface, const char* name) {
    const Reply reply = client.call(path, properties_interface, "Get", "ss", interface, name);
    const char* value = nullptr;
    if (!reply.ok() || sd_bus_message_read(reply.message.get(), "v", "s", &value) < 0)
      return reply.error_name;
    return value;
  }

  Client client{event.get(), bus.address()};
};

TEST_F(DbusObjects, ADeviceShowsItsPropertiesWithTheTypesOfTheContract) {
  struct {
    const char* name;
    const char* type;
  } const expected[] = {
      {"Address", "s"},    {"Kind", "s"},      {"VendorId", "q"},      {"DeviceId", "q"},
      {"Name", "s"},       {"Driver", "s"},    {"Architecture", "s"},  {"SupportedModes", "as"},
      {"IommuGroup", "i"}, {"VfioGroup", "s"}, {"VfioDevice", "s"},    {"NumaNode", "i"},
      {"Mode", "s"},       {"InUse", "b"},     {"RequestedMode", "s"}, {"State", "s"},
      {"Error", "s"}};
  for (const auto& property : expected) {
    const Reply reply =
        client.call(gpu_path, properties_interface, "Get", "ss", device_interface, property.name);
    ASSERT_TRUE(reply.ok()) << property.name << ": " << reply.error_message;
    EXPECT_GT(sd_bus_message_verify_type(reply.message.get(), 'v', property.type), 0) << property.name;
  }
  EXPECT_EQ(get_string(gpu_path, device_interface, "Address"), "0000:65:00.0");
  EXPECT_EQ(get_string(gpu_path, device_interface, "VfioGroup"), "/dev/vfio/65");
  EXPECT_EQ(get_string(gpu_path, device_interface, "Mode"), "on");
}

TEST_F(DbusObjects, WhatIsNotKnownOfADeviceIsShownAsTheContractSays) {
  manager.change_device("0000:65:00.0", [](DeviceSnapshot& device) {
    device.iommu_group = {};
    device.mode = {};
    device.requested_mode = {};
  });
  EXPECT_EQ(get_string(gpu_path, device_interface, "Mode"), "unknown");
  EXPECT_EQ(get_string(gpu_path, device_interface, "RequestedMode"), "");
  const Reply reply =
      client.call(gpu_path, properties_interface, "Get", "ss", device_interface, "IommuGroup");
  std::int32_t group = 0;
  sd_bus_message_read(reply.message.get(), "v", "i", &group);
  EXPECT_EQ(group, -1);
}

TEST_F(DbusObjects, TheManagerShowsTheNode) {
  manager.change_node([](NodeState& node) {
    node.node_mode = Mode::ppcie;
    node.mode_state = ModeState::transitioning;
    node.host_confidential = HostConfidential::sev_snp;
  });
  EXPECT_EQ(get_string(manager_path, manager_interface, "Version"), NVCCD_VERSION);
  EXPECT_EQ(get_string(manager_path, manager_interface, "DefaultMode"), "on");
  EXPECT_EQ(get_string(manager_path, manager_interface, "NodeMode"), "ppcie");
  EXPECT_EQ(get_string(manager_path, manager_interface, "ModeState"), "transitioning");
  EXPECT_EQ(get_string(manager_path, manager_interface, "HostConfidential"), "sev-snp");
}

TEST_F(DbusObjects, OneCallOfTheObjectManagerReturnsAllDevicesAndJobs) {
  manager.appear(ls10_switch("0000:83:00.0"));
  manager.start_job({});
  const Reply reply = client.call(manager_path, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects");
  ASSERT_TRUE(reply.ok()) << reply.error_message;
  std::vector<std::string> paths;
  sd_bus_message* message = reply.message.get();
  sd_bus_message_enter_container(message, 'a', "{oa{sa{sv}}}");
  while (sd_bus_message_enter_container(message, 'e', "oa{sa{sv}}") > 0) {
    const char* path = nullptr;
    sd_bus_message_read(message, "o", &path);
    sd_bus_message_skip(message, "a{sa{sv}}");
    sd_bus_message_exit_container(message);
    paths.emplace_back(path);
  }
  std::ranges::sort(paths);
  EXPECT_EQ(paths,
            (std::vector<std::string>{gpu_path, "/org/nvccd1/device/0000_83_00_0", "/org/nvccd1/job/1"}));
}

TEST_F(DbusObjects, AHotPluggedDeviceIsAnnouncedAndAnUnpluggedOneTakenBack) {
  const SignalLog log(client);
  manager.appear(hopper_gpu("0000:66:00.0"));
  EXPECT_TRUE(wait_for(log, "InterfacesAdded /org/nvccd1/device/0000_66_00_0"));
  EXPECT_EQ(get_string("/org/nvccd1/device/0000_66_00_0", device_interface, "State"), "ready");
  manager.disappear("0000:66:00.0");
  EXPECT_TRUE(wait_for(log, "InterfacesRemoved /org/nvccd1/device/0000_66_00_0"));
  EXPECT_EQ(get_string("/org/nvccd1/device/0000_66_00_0", device_interface, "State"),
            SD_BUS_ERROR_UNKNOWN_OBJECT);
}

TEST_F(DbusObjects, AChangeIsSignalledWithTheChangedPropertiesOnly) {
  const SignalLog log(client);
  manager.change_device("0000:65:00.0", [](DeviceSnapshot& device) {
    device.state = DeviceState::failed;
    device.error = "the firmware did not boot";
  });
  EXPECT_TRUE(wait_for(log, std::string("PropertiesChanged ") + gpu_path + " State Error"));
  manager.change_device("0000:65:00.0", [](DeviceSnapshot&) {});
  manager.change_node([](NodeState& node) { node.ready = true; });
  EXPECT_TRUE(wait_for(log, "PropertiesChanged /org/nvccd1 Ready"));
  EXPECT_EQ(log.lines.size(), 2U) << "a change of nothing was signalled";
}

TEST_F(DbusObjects, AJobIsSignalledFromItsStartToItsResult) {
  const SignalLog log(client);
  const JobId id = manager.start_job({.mode = Mode::on, .state = JobState::running});
  manager.change_job(id, [](JobSnapshot& job) {
    job.phase = JobPhase::boot;
    job.progress = 0.5;
  });
  manager.end_job(id, JobState::failed,
                  Error{.kind = ErrorKind::hardware_failed, .cause = "no boot in 60 s"});
  ASSERT_TRUE(wait_for(log, "PropertiesChanged /org/nvccd1 CurrentJob")) << testing::PrintToString(log.lines);
  ASSERT_TRUE(run_until(event.get(), [&] { return log.lines.size() >= 8; }));
  EXPECT_EQ(log.lines, (std::vector<std::string>{
                           "InterfacesAdded /org/nvccd1/job/1", "JobNew 1 /org/nvccd1/job/1 ",
                           "PropertiesChanged /org/nvccd1 CurrentJob",
                           "PropertiesChanged /org/nvccd1/job/1 Phase Progress",
                           "PropertiesChanged /org/nvccd1/job/1 State Error ErrorName",
                           "JobRemoved 1 /org/nvccd1/job/1 failed", "InterfacesRemoved /org/nvccd1/job/1",
                           "PropertiesChanged /org/nvccd1 CurrentJob"}));
}

// ---- the shipped interface files ----

std::string interface_element(std::string xml, const std::string& name) {
  xml = std::regex_replace(xml, std::regex("<!--[^]*?-->"), "");
  xml = std::regex_replace(xml, std::regex(">\\s+<"), "><");
  xml = std::regex_replace(xml, std::regex("\\s*/>"), "/>");
  // sd-bus writes members without content as a pair of tags.
  xml = std::regex_replace(xml, std::regex("<(\\w+)( [^<>]*[^/])></\\1>"), "<$1$2/>");
  const auto begin = xml.find("<interface name=\"" + name + "\">");
  if (begin == std::string::npos) return "no interface " + name;
  return std::regex_replace(xml.substr(begin, xml.find("</interface>", begin) - begin), std::regex("><"),
                            ">\n<");
}

TEST_F(DbusObjects, TheShippedInterfaceFilesSayWhatTheDaemonDoes) {
  manager.start_job({});
  struct {
    const char* interface;
    const char* path;
  } const cases[] = {
      {manager_interface, manager_path}, {device_interface, gpu_path}, {job_interface, "/org/nvccd1/job/1"}};
  for (const auto& [interface, path] : cases) {
    const Reply reply = client.call(path, "org.freedesktop.DBus.Introspectable", "Introspect");
    ASSERT_TRUE(reply.ok()) << reply.error_message;
    std::stringstream shipped;
    shipped << std::ifstream(fmt::format("{}/dbus/{}.xml", NVCCD_SOURCE_DIR, interface)).rdbuf();
    const std::string live = interface_element(reply.read_string(), interface);
    ASSERT_TRUE(live.contains("<property")) << live;
    EXPECT_EQ(interface_element(shipped.str(), interface), live);
  }
}

}  // namespace
}  // namespace nvccd::test
