// How long the firmware may take in the mailbox. The limits are those of NVIDIA's gpu-admin-tools; the steps
// are ours: a reply takes some 0.2 ms, so looking again after 10 ms, as the tool does, would be most of the
// time of a change.
#pragma once

#include "common/base/clock.h"

namespace nvccd::mailbox_timing {

using namespace std::chrono_literals;

inline constexpr Duration command_limit = 1s;  // until the firmware has taken the command before ours
inline constexpr Duration reply_limit = 5s;
// How long a reply may be there by halves: only one of the queue's two pointers is set yet, or the firmware
// has not seen yet that the reply was fetched.
inline constexpr Duration halfway_limit = 10ms;
inline constexpr Duration ready_limit = 5s;
inline constexpr Duration credit_limit = 1s;

// A reply is never there at once, and a look in vain costs accesses.
inline constexpr Duration before_first_look = 100us;

// The pause before the n-th look: short at first, then growing, so that a slow firmware costs no processor
// time.
constexpr Duration pause(unsigned look) {
  if (look < 20) return 100us;
  if (look < 100) return 1ms;
  return 10ms;
}

}  // namespace nvccd::mailbox_timing
