// The words with which a developer changes an emulated node: "hold gpu0", "fault switch1 boot-never".
#pragma once

#include <functional>
#include <string>

#include "emulated_node.h"

namespace nvccd::test {

// Carries out one line and says "ok", or "error: ..." with what is wrong.
std::string run_node_command(EmulatedNode& node, const std::string& line);

// One line for each command, for --help.
std::string node_command_help();

}  // namespace nvccd::test
