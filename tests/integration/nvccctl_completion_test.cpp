// Completion in a real shell, of the real program, on a bus with devices.
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <set>
#include <sstream>

#include "nvccctl_fixture.h"

namespace nvccd::test {
namespace {

using Words = std::set<std::string>;

class Completion : public NvccctlTest {
 protected:
  // What bash offers for the line, as somebody who has pressed the Tab key at its end sees it.
  Words complete(const std::string& line) {
    const std::string script = "source '" NVCCD_SOURCE_DIR
                               "/completions/bash/nvccctl'; COMP_LINE=$1 COMP_POINT=${#1}; _nvccctl; "
                               "printf '%s\\n' \"${COMPREPLY[@]}\"";
    const auto child = start_program({"/bin/bash", "-c", script, "bash", line}, {.environment = {path()}});
    EXPECT_EQ(child->wait(), 0);
    EXPECT_EQ(child->error_output(), "") << line;
    std::istringstream lines(child->output());
    Words words;
    for (std::string word; std::getline(lines, word);)
      if (!word.empty()) words.insert(word);
    return words;
  }

  // Every word of the help that matches.
  Words words_of_help(std::vector<std::string> command, const std::regex& word) {
    command.emplace_back("--help");
    const std::string help = run(command).output;
    Words words;
    for (std::sregex_iterator match(help.begin(), help.end(), word), end; match != end; ++match)
      words.insert((*match)[1]);
    return words;
  }
  Words options_of_help(const std::vector<std::string>& command) {
    return words_of_help(command, std::regex("(?:^|\n) +(?:-h,)?(--[a-z-]+)"));
  }
  Words commands_of_help() { return words_of_help({}, std::regex("\n  ([a-z][a-z-]*)  ")); }

  static std::string path() {
    return "PATH=" + std::filesystem::path(NVCCCTL).parent_path().string() + ":/usr/bin:/bin";
  }
};

TEST_F(Completion, OffersEveryCommandOfTheHelp) {
  const Words commands = commands_of_help();
  EXPECT_TRUE(commands.contains("set-mode") && commands.contains("check"));
  EXPECT_EQ(complete("nvccctl "), commands);
  EXPECT_EQ(complete("nvccctl re"), (Words{"reset", "reload", "rescan"}));
}

TEST_F(Completion, OffersEveryOptionOfTheHelp) {
  EXPECT_EQ(complete("nvccctl -"), options_of_help({}));
  for (const std::string& command : commands_of_help()) {
    Words options = options_of_help({command});
    options.insert({"--bus", "--no-ask-password"});  // those of every command
    EXPECT_EQ(complete("nvccctl " + command + " -"), options) << command;
  }
}

TEST_F(Completion, OffersModes) {
  EXPECT_EQ(complete("nvccctl set-mode "), (Words{"on", "off", "devtools", "ppcie"}));
  EXPECT_EQ(complete("nvccctl set-mode --runtime o"), (Words{"on", "off"}));
  EXPECT_EQ(complete("nvccctl set-mode on "), Words{});
}

TEST_F(Completion, OffersTheAddressesOfTheDevicesThatAreThere) {
  for (const char* command : {"show", "bind", "unbind", "reset"})
    EXPECT_EQ(complete(std::string("nvccctl ") + command + " "), (Words{"0000:65:00.0", "0000:83:00.0"}))
        << command;
  EXPECT_EQ(complete("nvccctl reset --no-wait 0000:8"), Words{"83:00.0"})
      << "bash keeps what is before the colon";
  EXPECT_EQ(complete("nvccctl show 0000:65:00.0 "), Words{});
}

TEST_F(Completion, OffersNothingForTheBus) {
  EXPECT_EQ(complete("nvccctl --bus "), Words{});
  EXPECT_EQ(complete("nvccctl --bus unix:path=/x sta"), Words{"status"});
}

TEST_F(Completion, IsSilentWhereTheDaemonDoesNotRun) {
  service.reset();
  EXPECT_EQ(complete("nvccctl show "), Words{});
}

TEST_F(Completion, OfZshHasTheSameCommandsAndOptions) {
  const auto child = start_program({"/bin/cat", NVCCD_SOURCE_DIR "/completions/zsh/_nvccctl"});
  EXPECT_EQ(child->wait(), 0);
  for (const std::string& command : commands_of_help()) {
    EXPECT_TRUE(child->output().contains("'" + command + ":")) << command;
    for (const std::string& option : options_of_help({command}))
      EXPECT_TRUE(child->output().contains(option)) << option;
  }
}

TEST_F(Completion, OfZshIsValid) {
  if (!std::filesystem::exists("/bin/zsh")) GTEST_SKIP() << "zsh is not installed";
  const auto child = start_program({"/bin/zsh", "-n", NVCCD_SOURCE_DIR "/completions/zsh/_nvccctl"});
  EXPECT_EQ(child->wait(), 0) << child->error_output();
}

TEST_F(Completion, TheManualHasEveryCommandAndOption) {
  const auto child = start_program({"/bin/cat", NVCCD_SOURCE_DIR "/docs/man/nvccctl.1.scd"});
  EXPECT_EQ(child->wait(), 0);
  Words words = commands_of_help();
  words.merge(options_of_help({}));
  for (const std::string& command : commands_of_help())
    words.merge(options_of_help({command}));
  for (const std::string& word : words)
    EXPECT_TRUE(child->output().contains("*" + word + "*")) << word;
}

}  // namespace
}  // namespace nvccd::test
