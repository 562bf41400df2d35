// What a client learns of a device before it uses it.
#include <nlohmann/json.hpp>

#include "fixture.h"

namespace emulator::vfio_user::test {
namespace {

using nlohmann::json;

json capabilities_of(const Reply& reply) {
  EXPECT_EQ(reply.payload.back(), 0) << "the JSON text must end in a NUL byte";
  return json::parse(std::string(reply.payload.begin() + 4, reply.payload.end() - 1)).at("capabilities");
}

class Negotiation : public VfioUserTest {};

TEST_F(Negotiation, AnswersQemuWithASubsetOfItsCapabilities) {
  const Reply reply = connect()->negotiate();
  ASSERT_FALSE(reply.failed());
  EXPECT_EQ(field(reply.payload, 0, 2), 0U);
  EXPECT_EQ(field(reply.payload, 2, 2), 0U);
  EXPECT_EQ(capabilities_of(reply),
            json::parse(R"({"max_msg_fds":16,"max_data_xfer_size":1048576,"pgsizes":4096,
                                                   "max_dma_maps":65535,"write_multiple":true})"));
}

TEST_F(Negotiation, ReplyIsNotLongerThanTheProposal) {
  // QEMU receives the reply into the buffer of its request.
  EXPECT_LE(connect()->negotiate().payload.size(), 4 + std::string(qemu_capabilities).size() + 1);
}

TEST_F(Negotiation, TakesTheSmallerOfTwoLimits) {
  const json agreed =
      capabilities_of(connect()->negotiate(R"({"capabilities":{"max_msg_fds":3,"max_dma_maps":99999}})"));
  EXPECT_EQ(agreed, json::parse(R"({"max_msg_fds":3,"max_dma_maps":65535})"));
}

TEST_F(Negotiation, WorksWithoutCapabilities) {
  auto client = connect();
  const Reply reply = client->call(1, Pack().u16(0).u16(0).bytes());
  ASSERT_FALSE(reply.failed());
  EXPECT_EQ(capabilities_of(reply), json::object());
  EXPECT_FALSE(client->read(7, 0, 4).failed());
}

TEST_F(Negotiation, OffersItsOwnMinorVersionToANewerClient) {
  EXPECT_EQ(field(connect()->negotiate(qemu_capabilities, 0, 7).payload, 2, 2), 0U);
}

TEST_F(Negotiation, RefusesAnotherMajorVersionAndEndsTheConnection) {
  auto client = connect();
  EXPECT_TRUE(client->negotiate(qemu_capabilities, 1).failed());
  EXPECT_TRUE(client->closed_by_server());
}

TEST_F(Negotiation, RefusesVersionDataThatIsNoCapabilityList) {
  for (const char* data :
       {"", "nonsense", "[]", R"({"capabilities":1})", R"({"capabilities":{"max_msg_fds":"many"}})",
        R"({"capabilities":{"max_msg_fds":-1}})", R"({"capabilities":{"write_multiple":1}})",
        R"({"capabilities":)"}) {
    auto client = connect();
    EXPECT_TRUE(client->negotiate(data).failed()) << data;
    EXPECT_TRUE(client->closed_by_server()) << data;
  }
}

TEST_F(Negotiation, RefusesVersionDataWithoutAnEnd) {
  auto client = connect();
  EXPECT_TRUE(client->call(1, Pack().u16(0).u16(0).u8('{').u8('}').bytes()).failed());
  EXPECT_TRUE(client->closed_by_server());
}

TEST_F(Negotiation, NothingIsServedBeforeIt) {
  auto client = connect();
  EXPECT_TRUE(client->call(13, {}).failed());
  EXPECT_TRUE(client->closed_by_server());
  EXPECT_TRUE(device.resets.empty());
}

TEST_F(Negotiation, HappensOnce) {
  auto client = start();
  EXPECT_EQ(client->negotiate().error, static_cast<std::uint32_t>(EINVAL));
  EXPECT_FALSE(client->read(7, 0, 4).failed());
}

class Description : public VfioUserTest {};

TEST_F(Description, IsAPciDeviceThatCanBeReset) {
  const Reply reply = start()->call(4, Pack().u32(16).u32(0).u32(0).u32(0).bytes());
  ASSERT_FALSE(reply.failed());
  ASSERT_EQ(reply.payload.size(), 16U);
  EXPECT_EQ(reply.u32(0), 16U);
  EXPECT_EQ(reply.u32(4), 3U);  // reset, PCI
  EXPECT_EQ(reply.u32(8), 9U);
  EXPECT_EQ(reply.u32(12), 5U);
}

std::vector<std::uint8_t> region_query(std::uint32_t index, std::uint32_t argsz = 32) {
  return Pack().u32(argsz).u32(0).u32(index).u32(0).u64(0).u64(0).bytes();
}

TEST_F(Description, RegionsAreTheBarsAndTheConfigurationSpace) {
  auto client = start();
  const std::uint64_t sizes[9] = {StubDevice::bar0_size, 0, StubDevice::bar2_size, 0, 0, 0, 0, 4096, 0};
  for (std::uint32_t index = 0; index < 9; ++index) {
    const Reply reply = client->call(5, region_query(index));
    ASSERT_FALSE(reply.failed());
    ASSERT_EQ(reply.payload.size(), 32U);
    EXPECT_EQ(reply.u32(0), 32U);
    EXPECT_EQ(reply.u32(4), sizes[index] > 0 ? 3U : 0U)
        << "readable and writable, not mappable, no capabilities";
    EXPECT_EQ(reply.u32(8), index);
    EXPECT_EQ(reply.u32(12), 0U);
    EXPECT_EQ(reply.u64(16), sizes[index]) << "region " << index;
  }
  EXPECT_TRUE(client->call(5, region_query(9)).failed());
  EXPECT_TRUE(client->call(5, region_query(0, 31)).failed());
}

TEST_F(Description, NoRegionHasDescriptorsOfItsOwn) {
  auto client = start();
  const Reply reply = client->call(6, Pack().u32(16).u32(0).u32(0).u32(0).bytes());
  ASSERT_FALSE(reply.failed());
  EXPECT_EQ(reply.u32(0), 16U);
  EXPECT_EQ(reply.u32(12), 0U);
  EXPECT_TRUE(client->call(6, Pack().u32(16).u32(0).u32(9).u32(0).bytes()).failed());
}

TEST_F(Description, InterruptsAreOneLineAndOneMessage) {
  auto client = start();
  const std::uint32_t counts[5] = {1, 1, 0, 0, 0};  // INTx, MSI, MSI-X, error, request
  for (std::uint32_t index = 0; index < 5; ++index) {
    const Reply reply = client->call(7, Pack().u32(16).u32(0).u32(index).u32(0).bytes());
    ASSERT_FALSE(reply.failed());
    EXPECT_EQ(reply.u32(8), index);
    EXPECT_EQ(reply.u32(12), counts[index]) << "index " << index;
  }
  EXPECT_TRUE(client->call(7, Pack().u32(16).u32(0).u32(5).u32(0).bytes()).failed());
}

}  // namespace
}  // namespace emulator::vfio_user::test
