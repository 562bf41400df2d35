// nvccctl check --fix: what can be put right without risk, after a question.
#pragma once

#include "client/arguments.h"
#include "client/client_error.h"

namespace nvccd::client {

// Shows what it would do, asks (unless arguments.yes), and does it.
ClientResult<ExitStatus> fix(const Arguments& arguments);

}  // namespace nvccd::client
