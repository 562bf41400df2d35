// What a reader of the bus sees: objects, properties, signals, introspection.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <regex>
#include <sstream>

#include "tests/support/bus_fixture.h"

namespace nvccd::test {
namespace {

using dbus::device_interface;
using dbus::job_interface;
using dbus::manager_interface;
using dbus::manager_path;

constexpr const char* properties_interface = "org.freedesktop.DBus.Properties";

class DbusObjects : public BusTest {
 protected:
  DbusObjects() {
    manager.appear(hopper_gpu("0000:65:00.0"));
    serve();
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
    const std::string all = reply.read_string();
    EXPECT_EQ(all.find("\"org.nvccd1."), all.rfind("\"org.nvccd1.")) << "an interface without a file";
    const std::string live = interface_element(all, interface);
    ASSERT_TRUE(live.contains("<property")) << live;
    EXPECT_EQ(interface_element(shipped.str(), interface), live);
  }
}

}  // namespace
}  // namespace nvccd::test
