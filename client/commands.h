// What nvccctl does for each command.
#pragma once

#include "client/arguments.h"
#include "client/client_error.h"

namespace nvccd::client {

// Prints its results; an error is left to the caller to print.
ClientResult<> run(const Arguments& arguments);

}  // namespace nvccd::client
