// Where log entries go: to the journal with their fields, or to a person who runs the daemon by hand.
#pragma once

#include "daemon/publish/log_entry.h"

namespace nvccd {

// The entry as the journal takes it: MESSAGE=, PRIORITY= and MESSAGE_ID=, NVCCD_DEVICE= once for each device,
// NVCCD_JOB= and NVCCD_PHASE= where there is one.
std::vector<std::string> journal_fields(const LogEntry& entry);

// These leave out what is below the level of the default logger.
void write_to_journal(const LogEntry& entry);
void write_to_terminal(const LogEntry& entry);

}  // namespace nvccd
