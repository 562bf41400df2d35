// What protects guests on this host.
#pragma once

#include <string>

#include "common/model/node.h"

namespace nvccd {

HostConfidential detect_host_confidential(const std::string& sys_root);

}  // namespace nvccd
