// The rows of the commands are what the manual and the completions say.
#include "client/commands.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace nvccd::client {
namespace {

using Words = std::set<std::string>;
using Commands = std::map<std::string, Words>;  // what each takes

std::string read(const std::string& file) {
  std::stringstream text;
  text << std::ifstream(NVCCD_SOURCE_DIR + file).rdbuf();
  return text.str();
}

// What the expression's group finds.
std::vector<std::string> all_in(const std::string& text, const std::string& expression) {
  const std::regex regex(expression);
  std::vector<std::string> found;
  for (std::sregex_iterator match(text.begin(), text.end(), regex), end; match != end; ++match)
    found.push_back((*match)[1]);
  return found;
}

Words words_in(const std::string& text, const std::string& expression) {
  const auto found = all_in(text, expression);
  return {found.begin(), found.end()};
}

std::string section(const std::string& page, const std::string& title) {
  const auto begin = page.find("\n# " + title + "\n");
  EXPECT_NE(begin, std::string::npos) << title;
  return page.substr(begin, page.find("\n# ", begin + 1) - begin);
}

Words names(const std::vector<Option>& rows, bool with_arguments) {
  Words words;
  for (const Option& row : rows)
    if (with_arguments || row.name[0] == '-') words.insert(row.name);
  return words;
}

Commands rows(bool with_arguments) {
  Commands all;
  for (const Command& command : commands())
    all[command.name] = names(command.options, with_arguments);
  return all;
}

Words options_of_all() {
  Words words = names(common_options(), false);
  for (const Command& command : commands())
    words.merge(names(command.options, false));
  words.insert({"--help", "--version"});
  return words;
}

TEST(Commands, AreThoseOfTheSynopsisWithWhatTheyTake) {
  Commands documented;
  std::istringstream lines(section(read("/docs/man/nvccctl.1.scd"), "SYNOPSIS"));
  for (std::string line; std::getline(lines, line);) {
    Words all = words_in(line, "_([A-Z]+)_");
    all.merge(words_in(line, "\\*(--[a-z-]+)\\*"));
    for (const std::string& command : all_in(line, "\\*([a-z][a-z-]*)\\*"))
      if (command != "nvccctl") documented[command] = all;
  }
  EXPECT_EQ(documented, rows(true));
}

TEST(Commands, HaveAParagraphInTheManualAndSoDoTheirOptions) {
  const std::string page = read("/docs/man/nvccctl.1.scd");
  Words described;
  for (const char* title : {"COMMANDS THAT SHOW", "COMMANDS THAT CHANGE"})
    described.merge(words_in(section(page, title), "\n\\*([a-z-]+)\\*"));
  Words known;
  for (const auto& [name, options] : rows(false))
    known.insert(name);
  EXPECT_EQ(described, known);
  EXPECT_EQ(words_in(section(page, "OPTIONS"), "\n(?:\\*-h\\*, )?\\*(--[a-z-]+)\\*"), options_of_all());
}

TEST(Commands, AreCompletedByBashWithTheirOptions) {
  const std::string script = read("/completions/bash/nvccctl");
  Commands completed;
  for (const std::string& name : all_in(all_in(script, "candidates=\"(status [^\"]*)\"").at(0), "([a-z-]+)"))
    completed[name] = {};
  // The case of the options: "bind | reset) options+=" --no-wait" ;;"
  const std::regex arm("\n    ([a-z| -]+)\\) options\\+=\"([^\"]*)\"");
  for (std::sregex_iterator match(script.begin(), script.end(), arm), end; match != end; ++match)
    for (const std::string& name : all_in((*match)[1], "([a-z-]+)"))
      completed.at(name) = words_in((*match)[2], "(--[a-z-]+)");
  EXPECT_EQ(completed, rows(false));
}

TEST(Commands, AreCompletedByZshWithTheirOptions) {
  const std::string script = read("/completions/zsh/_nvccctl");
  Words known;
  for (const auto& [name, options] : rows(false))
    known.insert(name);
  EXPECT_EQ(words_in(script, "\n    '([a-z-]+):"), known);
  EXPECT_EQ(words_in(script, "(?:\\)|'|,)(--[a-z-]+)(?:\\[|\\})"), options_of_all());
}

}  // namespace
}  // namespace nvccd::client
