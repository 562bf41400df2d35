// Files that are replaced in one step: a reader sees the old content or the new, never anything in between.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string_view>

#include "common/model/error.h"

namespace nvccd {

// Replaces `path` by a file of exactly this content and these permission bits (the umask does not count).
// Lasting::yes: the file is on the disk before the name points to it. Lasting::no does not wait for the disk,
// for a file that its writer makes anew at every start: after a power cut it may be lost or empty. Only one
// writer a path at a time: the temporary file beside it is .<name>.new, a name that programs which read whole
// directories leave out. Errors: ErrorKind::system; `path` is then as it was, unless only the
// directory could not be written to the disk: then the new file is there, and may not survive a power cut.
enum class Lasting { yes, no };
Result<> write_file_atomically(const std::filesystem::path& path, std::string_view content, mode_t mode,
                               Lasting lasting = Lasting::yes);

// Removes the file; a missing file is no error. Lasting::yes: a power cut does not bring the file back.
Result<> remove_file(const std::filesystem::path& path, Lasting lasting = Lasting::no);

}  // namespace nvccd
