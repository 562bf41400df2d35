// Commands that start, follow or cancel a job.
#pragma once

#include "client/arguments.h"
#include "client/connection.h"

namespace nvccd::client {

ClientResult<> set_mode(Connection& connection, const Arguments& arguments);
ClientResult<> clear_mode(Connection& connection, const Arguments& arguments);
// `method` of org.nvccd1.Device: "Bind", "Unbind" or "Reset".
ClientResult<> device_job(Connection& connection, const Arguments& arguments, const char* method);
ClientResult<> cancel(Connection& connection, const Arguments& arguments);

}  // namespace nvccd::client
