// What is advertised at this moment, straight from the files that say so.
#pragma once

#include <filesystem>

#include "kubernetes/device-plugin/units.h"

namespace nvccd::kubernetes {

// An Error when there is no state of nvccd. While `withdraw_file` exists every unit has a problem that says
// so. Thread-safe.
Result<Advertisement> read_advertisement(const std::filesystem::path& state_file,
                                         const std::filesystem::path& withdraw_file);

}  // namespace nvccd::kubernetes
