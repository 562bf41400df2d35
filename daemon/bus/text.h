// Text for the bus. Names and errors hold what files and processes call themselves, and a message with bytes
// that are not UTF-8 costs its sender the connection.
#pragma once

#include <string>
#include <string_view>

namespace nvccd::dbus {

// The same text, with U+FFFD for every byte that does not belong to a valid UTF-8 sequence.
std::string to_utf8(std::string_view text);

// As much of a caller's text as belongs into an answer: "sideways", "xxxx...".
std::string excerpt(std::string_view text);

}  // namespace nvccd::dbus
