// What a check of the host has found, as nvccctl shows it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "client/text.h"
#include "common/model/finding.h"

namespace nvccd::client {

// Trouble first, each with what to do, then how many were fine; with `all` those, too.
std::string render_findings(const Findings& findings, bool all, const Page& page);

nlohmann::ordered_json findings_json(const Findings& findings);

bool has_failed(const Findings& findings);

}  // namespace nvccd::client
