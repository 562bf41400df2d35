// The file with which the node agent withdraws all devices from the kubelet while their mode is changed.
#pragma once

#include <filesystem>
#include <optional>

#include "common/model/error.h"

namespace nvccd {

// Whether the devices are withdrawn; nullopt when that cannot be known: each program then assumes what is
// safe for itself. Thread-safe.
std::optional<bool> is_withdrawn(const std::filesystem::path& file);

// Makes the file, and its directory, or removes the file. The content says why, for people.
Result<> set_withdrawn(const std::filesystem::path& file, bool withdrawn);

}  // namespace nvccd
