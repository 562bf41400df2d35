// What can be checked of the host without nvccd.
#pragma once

#include "model/finding.h"

namespace nvccd::client {

Findings local_findings();

}  // namespace nvccd::client
