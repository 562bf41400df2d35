// Files that a reader sees either as they were or as they are to be, never in between.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string_view>

#include "common/model/error.h"

namespace nvccd {

// Replaces `path` by a file of exactly this content and these permission bits (the umask does not count).
// One that is to last is on the disk before the name points to it; one that is made anew by every start of
// its writer does not wait for the disk, and may be lost or empty after a power cut. One writer a path at a
// time: the temporary file beside it, .<name>.new, is one that those who read whole directories leave out.
// Errors: ErrorKind::system; `path` is then as it was.
enum class Lasting { yes, no };
Result<> write_file_atomically(const std::filesystem::path& path, std::string_view content, mode_t mode,
                               Lasting lasting = Lasting::yes);

// Removes the file; that there is none is no error. Lasting: a power cut does not bring it back.
Result<> remove_file(const std::filesystem::path& path, Lasting lasting = Lasting::no);

}  // namespace nvccd
