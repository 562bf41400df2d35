// Confidential Computing modes, as users, the settings and D-Bus name them.
#pragma once

#include <optional>
#include <string_view>

#include "common/model/enum_table.h"

namespace nvccd {

// off, on and devtools concern GPUs; ppcie (Protected PCIe) concerns every GPU and NVSwitch of the node.
enum class Mode { off, on, devtools, ppcie };

template <>
inline constexpr EnumRow<Mode> enum_table<Mode>[] = {
    {Mode::off, "off"}, {Mode::on, "on"}, {Mode::devtools, "devtools"}, {Mode::ppcie, "ppcie"}};

// "unknown" for a mode that could not be read.
constexpr std::string_view to_string(std::optional<Mode> mode) {
  return mode ? to_string(*mode) : "unknown";
}

}  // namespace nvccd
