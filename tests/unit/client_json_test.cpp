// The documents that nvccctl(1) promises to programs.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "client/findings.h"
#include "client/json_output.h"
#include "client_views.h"

namespace nvccd::client {
namespace {

using Json = nlohmann::ordered_json;

std::string manual() {
  std::stringstream text;
  text << std::ifstream(NVCCD_SOURCE_DIR "/docs/man/nvccctl.1.scd").rdbuf();
  return text.str();
}

// Members of one document as the manual has them: a line "*name* (type)" each, below the heading of the
// document.
std::vector<std::string> documented(const std::string& heading) {
  std::istringstream lines(manual());
  std::vector<std::string> names;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("#")) inside = line == "## " + heading;
    const auto end = line.find("* (", 1);
    if (inside && line.starts_with("*") && end != std::string::npos) names.push_back(line.substr(1, end - 1));
  }
  return names;
}

std::vector<std::string> members(const Json& object) {
  std::vector<std::string> names;
  for (const auto& [name, value] : object.items())
    names.push_back(name);
  return names;
}

TEST(JsonOutput, HasTheMembersOfTheManual) {
  EXPECT_EQ(members(status_json({})), documented("The status document"));
  EXPECT_EQ(members(node_json({})), documented("The node"));
  EXPECT_EQ(members(device_json(gpu("0000:65:00.0"))), documented("A device"));
  EXPECT_EQ(members(job_json({})), documented("A job"));
  EXPECT_EQ(members(findings_json({{}})[0]), documented("A finding"));
}

TEST(JsonOutput, HasNullForWhatIsNotThere) {
  DeviceView device = gpu("0000:65:00.0");
  device.driver = device.vfio_device = "";
  device.requested_mode = {};
  device.iommu_group = device.numa_node = -1;
  const Json json = device_json(device);
  for (const char* name : {"driver", "vfio_device", "requested_mode", "iommu_group", "numa_node", "error"})
    EXPECT_TRUE(json[name].is_null()) << name;
  EXPECT_EQ(json["id"], "0000-65-00.0");
  EXPECT_EQ(json["device_id"], "2330");
  EXPECT_EQ(findings_json({{}})[0]["advice"], nullptr);
}

TEST(JsonOutput, HasTheWordsOfANewerDaemonAndTakesNoneForHealth) {
  DeviceView device = gpu("0000:65:00.0");
  EXPECT_EQ(device_json(device)["healthy"], true);
  device.state = Word<DeviceState>("levitating");
  EXPECT_EQ(device_json(device)["state"], "levitating");
  EXPECT_EQ(device_json(device)["healthy"], false);
}

TEST(JsonOutput, IsValidWhateverBytesANameHas) {
  DeviceView device = gpu("0000:65:00.0");
  device.name = "GH100 \xff\x01\"";
  EXPECT_NO_THROW(EXPECT_TRUE(Json::parse(to_text(device_json(device))).is_object()));
}

}  // namespace
}  // namespace nvccd::client
