#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>

#include "common/formats/state_file.h"
#include "tests/support/fake_manager.h"

namespace nvccd::test {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr std::chrono::sys_seconds ten_o_clock =
    std::chrono::sys_days{std::chrono::year{2026} / 11 / 23} + std::chrono::hours{10};

std::map<PciAddress, DeviceSnapshot> by_address(const std::vector<DeviceSnapshot>& devices) {
  std::map<PciAddress, DeviceSnapshot> map;
  for (const DeviceSnapshot& device : devices)
    map.emplace(device.address, device);
  return map;
}

OrderedJson document(const NodeState& node, const std::vector<DeviceSnapshot>& devices) {
  return state_document(node, by_address(devices), {}, "0.1.0", ten_o_clock);
}

NodeState node_that_is_on() {
  return {.mode_state = ModeState::on,
          .ready = true,
          .host_confidential = HostConfidential::sev_snp,
          .generation = 17};
}

DeviceSnapshot device_of_which_nothing_is_known() {
  return {.address = PciAddress::parse("0000:66:00.0").value(), .vendor_id = 0x10de, .device_id = 0x00ab};
}

TEST(StateDocument, IsTheDocumentOfTheContract) {
  const OrderedJson expected = OrderedJson::parse(R"({
    "schema": 1,
    "generation": 17,
    "updated": "2026-11-23T10:00:00Z",
    "version": "0.1.0",
    "node": {"default_mode": "on", "node_mode": null, "requested_mode": "on", "mode_state": "on", "ready": true,
             "host_confidential": "sev-snp", "error": null},
    "devices": [
      {"address": "0000:65:00.0", "id": "0000-65-00.0", "kind": "gpu", "vendor_id": "10de", "device_id": "2330",
       "name": "GH100 [H100 SXM5 80GB]", "architecture": "hopper",
       "supported_modes": ["off", "on", "devtools", "ppcie"], "resource": "nvidia.com/pgpu",
       "model_resource": "nvidia.com/GH100_H100_SXM5_80GB", "driver": "vfio-pci", "iommu_group": 65,
       "vfio_group": "/dev/vfio/65", "vfio_device": "/dev/vfio/devices/vfio0", "numa_node": 0,
       "mode": "on", "requested_mode": "on", "state": "ready", "healthy": true, "in_use": false, "error": null}
    ]})");
  EXPECT_EQ(document(node_that_is_on(), {hopper_gpu("0000:65:00.0")}).dump(2), expected.dump(2));
}

TEST(StateDocument, SaysNullForWhatIsNotThereAndUnknownForAModeThatCouldNotBeRead) {
  const OrderedJson device = document({}, {device_of_which_nothing_is_known()})["devices"][0];
  for (const char* member :
       {"driver", "iommu_group", "vfio_group", "vfio_device", "numa_node", "requested_mode", "error"})
    EXPECT_TRUE(device[member].is_null()) << member;
  EXPECT_EQ(device["mode"], "unknown");
  EXPECT_EQ(device["device_id"], "00ab");
}

TEST(StateDocument, OnlyAReadyDeviceIsHealthy) {
  for (const DeviceState state :
       {DeviceState::discovered, DeviceState::binding, DeviceState::transitioning, DeviceState::ready,
        DeviceState::busy, DeviceState::failed, DeviceState::unmanaged}) {
    DeviceSnapshot gpu = hopper_gpu("0000:65:00.0");
    gpu.state = state;
    EXPECT_EQ(document({}, {gpu})["devices"][0]["healthy"], state == DeviceState::ready) << to_string(state);
  }
}

TEST(StateDocument, AVerifiedDeviceInAVirtualMachineStaysHealthyAndIsInUse) {
  DeviceSnapshot gpu = hopper_gpu("0000:65:00.0");
  gpu.in_use = true;
  const OrderedJson device = document({}, {gpu})["devices"][0];
  EXPECT_EQ(device["healthy"], true);
  EXPECT_EQ(device["in_use"], true);
}

// ---- the shipped schema: just the keywords that it uses ----

class SchemaCheck {
 public:
  explicit SchemaCheck(OrderedJson schema) : root_(std::move(schema)) {}

  std::string complaints(const OrderedJson& value) {
    check(root_, value, "");
    return std::move(complaints_);
  }

 private:
  void check(const OrderedJson& schema, const OrderedJson& value, const std::string& where) {
    if (schema.contains("$ref"))
      check(root_.at(OrderedJson::json_pointer(schema["$ref"].get<std::string>().substr(1))), value, where);
    if (schema.contains("type") && !has_type(schema["type"], value)) complain(where, "type");
    if (schema.contains("const") && schema["const"] != value) complain(where, "const");
    if (schema.contains("enum") && std::ranges::find(schema["enum"], value) == schema["enum"].end())
      complain(where, "enum");
    if (schema.contains("minimum") && value.is_number() && value < schema["minimum"])
      complain(where, "minimum");
    if (schema.contains("pattern") &&
        !std::regex_search(value.get<std::string>(), std::regex(schema["pattern"].get<std::string>())))
      complain(where, "pattern");
    if (schema.contains("properties")) check_members(schema, value, where);
    if (schema.contains("items"))
      for (const OrderedJson& item : value)
        check(schema["items"], item, where + "[]");
  }

  // Stricter than the schema for readers: what we write must all be described in it.
  void check_members(const OrderedJson& schema, const OrderedJson& value, const std::string& where) {
    for (const auto& [name, member] : value.items())
      if (!schema["properties"].contains(name)) complain(where + "." + name, "not described");
    for (const auto& [name, member_schema] : schema["properties"].items()) {
      if (value.contains(name)) check(member_schema, value[name], where + "." + name);
    }
    for (const OrderedJson& name : schema["required"])
      if (!value.contains(name.get<std::string>()))
        complain(where + "." + name.get<std::string>(), "missing");
  }

  static bool has_type(const OrderedJson& type, const OrderedJson& value) {
    if (type.is_array())
      return std::ranges::any_of(type, [&](const OrderedJson& one) { return has_type(one, value); });
    if (type == "integer") return value.is_number_integer();
    return type == value.type_name();
  }

  void complain(const std::string& where, const std::string& what) {
    complaints_ += where + ": " + what + "\n";
  }

  OrderedJson root_;
  std::string complaints_;
};

TEST(StateDocument, FollowsTheShippedSchema) {
  const OrderedJson schema = OrderedJson::parse(std::ifstream(NVCCD_SOURCE_DIR "/conf/state.schema.json"));
  DeviceSnapshot broken = ls10_switch("00010000:83:00.7");
  broken.error = "no answer from the firmware";
  NodeState failed = node_that_is_on();
  failed.node_mode = Mode::ppcie;
  failed.error = "1 of 2 devices failed";
  EXPECT_EQ(SchemaCheck(schema).complaints(document(node_that_is_on(), {hopper_gpu("0000:65:00.0")})), "");
  EXPECT_EQ(SchemaCheck(schema).complaints(document(failed, {device_of_which_nothing_is_known(), broken})),
            "");

  OrderedJson wrong = document(node_that_is_on(), {hopper_gpu("0000:65:00.0")});
  wrong["devices"][0]["device_id"] = "0x2330";
  wrong["node"].erase("ready");
  EXPECT_EQ(SchemaCheck(schema).complaints(wrong), ".node.ready: missing\n.devices[].device_id: pattern\n");
}

// ---- resource names ----

std::string name_of(const std::string& model, std::uint16_t device_id = 0x2330) {
  DeviceSnapshot device;
  device.device_id = device_id;
  device.name = model;
  return model_resource(device);
}

TEST(ModelResource, IsTheNameThatNvidiasDevicePluginGives) {
  struct {
    const char* model;
    const char* resource;
  } const cases[] = {
      {"GH100 [H100 SXM5 80GB]", "nvidia.com/GH100_H100_SXM5_80GB"},
      {"GH100 [H100 PCIe]", "nvidia.com/GH100_H100_PCIE"},
      {"GH100 [GH200 120GB / 480GB]", "nvidia.com/GH100_GH200_120GB___480GB"},
      {"GB202GL [RTX PRO 6000 Blackwell Server Edition]",
       "nvidia.com/GB202GL_RTX_PRO_6000_BLACKWELL_SERVER_EDITION"},
      {"GH100 [H100 NVSwitch]", "nvidia.com/GH100_H100_NVSWITCH"},
      {"A 1.5 \t B-C", "nvidia.com/A_1_5_B-C"},
  };
  for (const auto& [model, resource] : cases)
    EXPECT_EQ(name_of(model), resource);
}

TEST(ModelResource, IsTheDeviceIdWhereTheModelHasNoName) {
  EXPECT_EQ(name_of("", 0x3182), "nvidia.com/3182");
  EXPECT_EQ(name_of("Device 00ab", 0x00ab), "nvidia.com/00ab");
  EXPECT_EQ(name_of("[???]", 0x3182), "nvidia.com/3182");
}

TEST(ModelResource, IsAlwaysANameThatKubernetesAccepts) {
  EXPECT_EQ(name_of("/GPU [X] /"), "nvidia.com/GPU_X");
  EXPECT_EQ(name_of(std::string(80, 'a')), "nvidia.com/" + std::string(63, 'A'));
  EXPECT_EQ(name_of(std::string(62, 'a') + " b"), "nvidia.com/" + std::string(62, 'A'));
}

TEST(Resource, IsTheAliasOfTheKindUnlessThatIsEmpty) {
  const DeviceSnapshot gpu = hopper_gpu("0000:65:00.0");
  const DeviceSnapshot nvswitch = ls10_switch("0000:83:00.0");
  EXPECT_EQ(resource(gpu, {}), "nvidia.com/pgpu");
  EXPECT_EQ(resource(nvswitch, {}), "nvidia.com/nvswitch");
  EXPECT_EQ(resource(gpu, {.pgpu_alias = "", .nvswitch_alias = "sw"}), "nvidia.com/GH100_H100_SXM5_80GB");
  EXPECT_EQ(resource(nvswitch, {.pgpu_alias = "", .nvswitch_alias = "sw"}), "nvidia.com/sw");
}

}  // namespace
}  // namespace nvccd::test
