#include "client/arguments.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "client/commands.h"

namespace nvccd::client {
namespace {

class CommandLine {
 public:
  CommandLine() {
    app_.name("nvccctl");
    app_.set_version_flag("--version", NVCCD_VERSION);
    app_.require_subcommand(0, 1);
    app_.fallthrough();
    app_.get_formatter()->column_width(24);
    app_.failure_message([](const CLI::App*, const CLI::Error& error) {
      return fmt::format("nvccctl: {}\nnvccctl --help lists commands and options\n", error.what());
    });
    app_.footer(
        "Exit status: 0 done, 1 failed, 2 usage, 3 device busy, 4 not supported by the devices,\n"
        "5 daemon not reachable, 6 not authorised.");
    for (const Option& row : common_options())
      add(app_, row);
    for (const Command& command : commands()) {
      CLI::App* added = app_.add_subcommand(command.name, command.help);
      added->callback([this, &command] { arguments_.command = &command; });
      for (const Option& row : command.options)
        add(*added, row);
    }
  }

  Arguments parse(int argc, const char* const* argv) {
    app_.parse(argc, argv);
    if (arguments_.json && !arguments_.command->takes("--json"))
      throw CLI::ValidationError("only " + commands_with("--json") + " print JSON");
    if (arguments_.json && arguments_.fix) throw CLI::ValidationError("--fix prints no JSON");
    return arguments_;
  }

  int explain(const CLI::ParseError& error) const { return app_.exit(error); }

 private:
  void add(CLI::App& app, const Option& row) {
    const auto take = [this, &row](const std::string& value) {
      if (const auto problem = row.take(arguments_, value); !problem.empty())
        throw CLI::ValidationError(problem);
    };
    CLI::Option* option =
        row.value ? app.add_option_function<std::string>(row.name, take, row.help)->type_name(row.value)
                  : app.add_flag_callback(row.name, [take] { take(""); }, row.help);
    option->required(row.required);
    if (row.needs) option->needs(app.get_option(row.needs));
  }

  // "status, list and check"
  static std::string commands_with(std::string_view option) {
    std::string names;
    std::string last;
    for (const Command& command : commands())
      if (command.takes(option)) {
        if (!last.empty()) names.append(names.empty() ? "" : ", ").append(last);
        last = command.name;
      }
    return names + " and " + last;
  }

  CLI::App app_{"Sets and shows the Confidential Computing mode of NVIDIA devices"};
  Arguments arguments_{.command = &commands().front()};
};

}  // namespace

std::expected<Arguments, ExitStatus> parse_arguments(int argc, const char* const* argv) {
  CommandLine command_line;
  try {
    return command_line.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return std::unexpected(command_line.explain(error) == 0 ? ExitStatus::done : ExitStatus::usage);
  }
}

}  // namespace nvccd::client
