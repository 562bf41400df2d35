#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <utility>

#include "client/arguments.h"
#include "client/commands.h"

int main(int argc, char** argv) try {
  using namespace nvccd::client;
  const auto arguments = parse_arguments(argc, argv);
  if (!arguments) return std::to_underlying(arguments.error());
  const auto done = run(*arguments);
  if (done) return std::to_underlying(ExitStatus::done);
  fmt::print(stderr, "nvccctl: {}\n", done.error().message);
  return std::to_underlying(exit_status(done.error().name));
} catch (const std::exception& exception) {
  std::fputs("nvccctl: ", stderr);
  std::fputs(exception.what(), stderr);
  std::fputc('\n', stderr);
  return 1;
}
