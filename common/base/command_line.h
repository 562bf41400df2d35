// What the command lines of the services have in common. What is set must outlive `app`.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <string>

namespace nvccd {

// `path` has the default, and gets the given path, made absolute. `type` stands for the value in --help.
void add_path_option(CLI::App& app, const std::string& name, std::filesystem::path& path,
                     const std::string& meaning, const std::string& type);

// --log-level, for set_up_log(); `level` has the default.
void add_log_level_option(CLI::App& app, std::string& level);

// The status to exit with after --help, --version (0) or a wrong command line (2), which are printed;
// nullopt: go on.
std::optional<int> parse_command_line(CLI::App& app, int argc, char** argv);

}  // namespace nvccd
