// Looks over the host for what keeps confidential guests from getting their GPUs; see nvccd-checks(7).
#pragma once

#include "preflight/check.h"

namespace nvccd::preflight {

struct Input {
  HostView host = HostView();
  Result<LoadedSettings> settings;         // as they are in the files now
  std::optional<DaemonState> daemon = {};  // nullopt: the daemon does not run
  std::string state_file = paths::state_file;
};

// Reads files and changes nothing. May take long on a host in trouble, so not for the event loop's thread.
Subject look_over(const Input& input);

// Looks over this host, with the settings of /etc/nvccd and the node mode that nvccd keeps in its files, for
// the case that the daemon cannot be asked.
Subject look_over_without_daemon();

Findings judge(const Subject& subject);

// look_over() and judge() in one.
Findings run(const Input& input);

// Completes the daemon's findings: this process looks again at what the daemon's sandbox did not let it see.
Findings fill_gaps(Findings findings);

// The finding for the case that no check could be made; it says why.
Finding not_made(const Error& error);

// Every id that a finding can have, in the order of the findings.
std::vector<std::string_view> check_ids();

}  // namespace nvccd::preflight
