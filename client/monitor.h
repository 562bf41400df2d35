// "nvccctl monitor": a line for everything that changes.
#pragma once

#include "client/connection.h"

namespace nvccd::client {

// Returns only with an error; nvccd stopping and starting again is none.
ClientError monitor(Connection& connection, bool json);

}  // namespace nvccd::client
