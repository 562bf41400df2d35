// Reading files that others wrote.
#pragma once

#include <filesystem>
#include <string>

#include "common/model/error.h"

namespace nvccd {

// A regular file of at most `limit` bytes; symbolic links are followed. Anything else (a FIFO, a device) is
// not even opened, so this does not block. The error's cause names the file.
Result<std::string> read_regular_file(const std::filesystem::path& path, std::size_t limit);

}  // namespace nvccd
