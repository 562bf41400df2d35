// Packets against the words that were seen between NVIDIA's tool and the hardware, see docs/hardware.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "daemon/hardware/fsp_packet.h"

namespace nvccd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Result<FspReply> parse(std::initializer_list<std::uint32_t> words) {
  return parse_reply(std::vector(words), MessageType::prc);
}

TEST(FspPacket, OfAKnobReadAndOfAKnobWriteIsThatOfTheTool) {
  EXPECT_THAT(make_packet(MessageType::prc, std::array{0x0008020cU}),
              ElementsAre(0xc0000000, 0x1310de7e, 0x0008020c));
  EXPECT_THAT(make_packet(MessageType::prc, std::array{0x0008020dU, 1U}),
              ElementsAre(0xc0000000, 0x1310de7e, 0x0008020d, 1));
}

TEST(FspReply, OfSuccessHasThePayloadBehindTheHeaders) {
  const auto value = parse({0xc0000000, 0x1510de7e, 3, 0x13, 0, 0x2a});
  ASSERT_TRUE(value);
  EXPECT_EQ(value->error_code, 0U);
  EXPECT_THAT(value->payload, ElementsAre(0x2a));
  const auto written = parse({0xc0000000, 0x1510de7e, 3, 0x13, 0});
  ASSERT_TRUE(written);
  EXPECT_THAT(written->payload, IsEmpty());
}

TEST(FspReply, OfARefusalCarriesItsCode) {
  const auto unknown_knob = parse({0xc0000000, 0x1510de7e, 3, 0x13, 0x1e3});
  ASSERT_TRUE(unknown_knob);
  EXPECT_EQ(unknown_knob->error_code, fsp_error_unknown_knob);
  const auto captured = parse({0xc0000000, 0x1510de7e, 3, 0x13, 0x202});
  ASSERT_TRUE(captured);
  EXPECT_EQ(captured->error_code, 0x202U);
}

TEST(FspReply, ThatIsMalformedIsWorthAnotherTry) {
  for (const auto& [words, what] :
       {std::pair{std::vector<std::uint32_t>{}, "0 words"},
        std::pair{std::vector<std::uint32_t>{0xc0000000, 0x1510de7e, 3, 0x13}, "4 words"},
        std::pair{std::vector<std::uint32_t>{0xc0000000, 0x1310de7e, 3, 0x13, 0, 0}, "message type 0x13"},
        std::pair{std::vector<std::uint32_t>{0xc0000000, 0x1510de7e, 3, 0x15, 0, 0}, "type 0x15"}}) {
    const auto reply = parse_reply(words, MessageType::prc);
    ASSERT_FALSE(reply) << what;
    EXPECT_EQ(reply.error().kind, ErrorKind::hardware_failed);
    EXPECT_TRUE(reply.error().transient);
    EXPECT_THAT(reply.error().message(), HasSubstr(what));
  }
}

TEST(FspErrors, AreNumbersWithTheirMeaningWhereItIsKnown) {
  EXPECT_EQ(describe_fsp_error(0x1e3), "0x1e3 (unknown knob)");
  EXPECT_THAT(describe_fsp_error(0x202), HasSubstr("0x202"));
  EXPECT_THAT(describe_fsp_error(0x77), HasSubstr("0x77"));
}

}  // namespace
}  // namespace nvccd
