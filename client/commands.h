// The commands of nvccctl, a row each. The command line, --help and what is done follow from the rows; a test
// compares the manual and the completions with them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/arguments.h"
#include "client/client_error.h"

namespace nvccd::client {

struct Option {
  const char* name;  // "--wait"; without dashes it is known by its place
  const char* help;
  // Puts what was said into the arguments. "", or what is wrong with the value.
  std::string (*take)(Arguments&, const std::string& value);
  const char* value = nullptr;  // what --help calls the value; nullptr: it has none
  bool required = false;
  const char* needs = nullptr;  // an option before it, without which it means nothing
};

struct Command {
  const char* name;
  const char* help;
  std::vector<Option> options;
  // Prints its results; an error is left to the caller to print. The status is that of a command that could
  // be carried out: "failed" when a check has found something.
  ClientResult<ExitStatus> (*run)(const Arguments&);

  bool takes(std::string_view option) const;
};

const std::vector<Option>& common_options();  // before and after every command
const std::vector<Command>& commands();       // the first is what is done without a command

}  // namespace nvccd::client
