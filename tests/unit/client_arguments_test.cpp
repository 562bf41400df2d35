#include <gtest/gtest.h>

#include "client/commands.h"

namespace nvccd::client {
namespace {

std::expected<Arguments, ExitStatus> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "nvccctl");
  return parse_arguments(static_cast<int>(arguments.size()), arguments.data());
}

TEST(Arguments, WithoutACommandMeanStatus) {
  EXPECT_STREQ(parse({})->command->name, "status");
  EXPECT_TRUE(parse({"--json"})->json);
}

TEST(Arguments, ModeOptionsAreLeftToTheDaemonUnlessGiven) {
  const auto plain = parse({"set-mode", "on"});
  EXPECT_STREQ(plain->command->name, "set-mode");
  EXPECT_EQ(plain->mode, "on");
  EXPECT_TRUE(plain->persist);
  EXPECT_FALSE(plain->dry_run);
  EXPECT_EQ(plain->wait, std::nullopt);
  EXPECT_EQ(parse({"set-mode", "on", "--wait"})->wait, true);
  EXPECT_EQ(parse({"set-mode", "on", "--no-wait"})->wait, false);
  EXPECT_FALSE(parse({"set-mode", "--runtime", "on"})->persist);
  EXPECT_TRUE(parse({"set-mode", "on", "--dry-run"})->dry_run);
}

TEST(Arguments, TheDomainOfAnAddressMayBeLeftOut) {
  EXPECT_EQ(parse({"show", "65:00.0"})->address, "0000:65:00.0");
  EXPECT_EQ(parse({"bind", "0001:AB:00.0"})->address, "0001:ab:00.0");
}

TEST(Arguments, TheBusMayBeNamedBeforeAndAfterTheCommand) {
  EXPECT_EQ(parse({"--bus", "unix:path=/x", "list"})->bus, "unix:path=/x");
  EXPECT_EQ(parse({"list", "--bus", "unix:path=/x"})->bus, "unix:path=/x");
}

TEST(Arguments, AWrongCommandLineIsAUsageError) {
  const std::vector<std::vector<const char*>> wrong{
      {"frobnicate"}, {"set-mode"},   {"set-mode", "ON"},   {"set-mode", "on", "--wait", "--no-wait"},
      {"show"},       {"show", "65"}, {"reload", "--json"}, {"list", "--runtime"},
  };
  for (const auto& arguments : wrong) {
    const auto parsed = parse(arguments);
    ASSERT_FALSE(parsed) << testing::PrintToString(arguments);
    EXPECT_EQ(parsed.error(), ExitStatus::usage);
  }
}

TEST(Arguments, HelpAndVersionAreNoErrors) {
  EXPECT_EQ(parse({"--help"}).error(), ExitStatus::done);
  EXPECT_EQ(parse({"set-mode", "--help"}).error(), ExitStatus::done);
  EXPECT_EQ(parse({"--version"}).error(), ExitStatus::done);
}

}  // namespace
}  // namespace nvccd::client
