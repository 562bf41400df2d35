// nvccctl's command line.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "client/client_error.h"

namespace nvccd::client {

struct Command;

struct Arguments {
  const Command* command;  // see commands.h
  std::string bus;         // address; "": the system bus
  std::string address;     // of a device, as PciAddress prints it
  std::string mode;
  std::optional<std::uint32_t> job;  // nullopt: the one that runs
  bool json = false;
  bool all = false;  // findings that are fine, too
  bool fix = false;  // put right what check has found
  bool yes = false;  // without asking
  bool ask_password = true;
  bool persist = true;
  bool dry_run = false;
  std::optional<bool> wait;  // nullopt: for the job, and for devices in use as the settings say
};

// The arguments, or the status to exit with after help, the version or a usage error was printed.
std::expected<Arguments, ExitStatus> parse_arguments(int argc, const char* const* argv);

}  // namespace nvccd::client
