// The end of the program by Ctrl-C, after what had to be done first.
#pragma once

namespace nvccd::client {

// Ends as SIGINT ends a program by itself, so that shells and scripts see it.
[[noreturn]] void end_interrupted();

}  // namespace nvccd::client
