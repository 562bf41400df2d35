#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <exception>
#include <system_error>
#include <utility>

#include "client/arguments.h"
#include "client/commands.h"
#include "client/terminal.h"

namespace nvccd::client {
namespace {

void print_error(const ClientError& error) {
  const Page page = page_of(STDERR_FILENO);
  for (const std::string& line : split_lines("nvccctl: " + error.message))
    fmt::print(stderr, "{}\n", wrap(printable(line), page.width, 2, 0));
  if (!error.advice.empty()) fmt::print(stderr, "{}\n", wrap(error.advice, page.width, 2, 0));
}

ExitStatus run_main(int argc, char** argv) {
  const auto arguments = parse_arguments(argc, argv);
  if (!arguments) return arguments.error();
  const auto status = arguments->command->run(*arguments);
  // What did not reach a full disk must not pass for done.
  if (std::fflush(stdout) != 0) {
    print_error(
        {ExitStatus::failed, "cannot write to standard output: " + std::generic_category().message(errno)});
    return ExitStatus::failed;
  }
  if (status) return *status;
  print_error(status.error());
  return status.error().status;
}

}  // namespace
}  // namespace nvccd::client

int main(int argc, char** argv) try {
  return std::to_underlying(nvccd::client::run_main(argc, argv));
} catch (const std::exception& exception) {
  std::fputs("nvccctl: ", stderr);
  std::fputs(exception.what(), stderr);
  std::fputc('\n', stderr);
  return 1;
}
