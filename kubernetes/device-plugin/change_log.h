// Tells people what changed in what is advertised.
#pragma once

#include "kubernetes/device-plugin/units.h"

namespace nvccd::kubernetes {

void log_changes(const Advertisement& before, const Advertisement& now);

}  // namespace nvccd::kubernetes
