// Confidential Computing modes, as users, the settings and D-Bus name them.
#pragma once

#include <optional>
#include <string_view>

namespace nvccd {

// off, on and devtools concern GPUs; ppcie (Protected PCIe) concerns every GPU and NVSwitch of the node.
enum class Mode { off, on, devtools, ppcie };

inline constexpr Mode all_modes[] = {Mode::off, Mode::on, Mode::devtools, Mode::ppcie};

std::string_view to_string(Mode mode);

// "unknown" for a mode that could not be read.
std::string_view to_string(std::optional<Mode> mode);

std::optional<Mode> parse_mode(std::string_view text);

}  // namespace nvccd
