// What nvccctl does for each command.
#pragma once

#include "client/arguments.h"
#include "client/client_error.h"

namespace nvccd::client {

// Prints its results; an error is left to the caller to print. The status is that of a command that could be
// carried out: "failed" when a check has found something.
ClientResult<ExitStatus> run(const Arguments& arguments);

}  // namespace nvccd::client
