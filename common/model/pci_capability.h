// The list of extended capabilities in a device's configuration space.
#pragma once

#include <cstdint>
#include <functional>

#include "common/model/error.h"

namespace nvccd {

// A dword of configuration space at an offset divisible by four, below 4096.
using ReadConfig = std::function<Result<std::uint32_t>(std::uint32_t offset)>;

// Offset of the first extended capability of this id; 0: there is none. A list that is broken or a ring
// counts as ended. Where there may be several of this id, `is_it` says whether the one at an offset is meant.
// Errors: those of the reads and of `is_it`.
Result<std::uint32_t> find_extended_capability(
    const ReadConfig& read, std::uint16_t id,
    const std::function<Result<bool>(std::uint32_t offset)>& is_it = nullptr);

}  // namespace nvccd
