#include "common/base/command_line.h"

namespace nvccd {

void add_path_option(CLI::App& app, const std::string& name, std::filesystem::path& path,
                     const std::string& meaning, const std::string& type) {
  const auto set = [&path](const std::string& text) {
    std::error_code error;
    path = std::filesystem::absolute(text, error);
  };
  app.add_option_function<std::string>(name, set, meaning)
      ->check([](const std::string& text) { return std::string(text.empty() ? "the path is empty" : ""); })
      ->type_name(type)
      ->default_str(path.string());
}

void add_log_level_option(CLI::App& app, std::string& level) {
  app.add_option("--log-level", level, "debug, info, warning or error")
      ->type_name("LEVEL")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
}

std::optional<int> parse_command_line(CLI::App& app, int argc, char** argv) {
  constexpr int wrong_usage = 2;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : wrong_usage;
  }
  return std::nullopt;
}

}  // namespace nvccd
