#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nvccd {

// Spaces and line breaks are passed over. nullopt: the text is no base64 that is padded to groups of four.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace nvccd
