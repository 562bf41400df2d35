#include "common/model/node.h"

#include <utility>

namespace nvccd {

ModeState to_mode_state(Mode mode) {
  switch (mode) {
    case Mode::off:
      return ModeState::off;
    case Mode::on:
      return ModeState::on;
    case Mode::devtools:
      return ModeState::devtools;
    case Mode::ppcie:
      return ModeState::ppcie;
  }
  std::unreachable();
}

}  // namespace nvccd
