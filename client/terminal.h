// What the program's outputs may be used for.
#pragma once

#include <cstddef>

#include "client/text.h"

namespace nvccd::client {

// Of STDOUT_FILENO or STDERR_FILENO. A terminal has a width (that of COLUMNS, if set) and colours, unless it
// is dumb or NO_COLOR is set; anything else has neither.
Page page_of(int fd);

// Whether lines on it can be written over.
bool is_rewritable(int fd);

// Lines that a terminal shows.
std::size_t lines_of(int fd);

}  // namespace nvccd::client
