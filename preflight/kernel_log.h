// The kernel's own log of this boot, as far back as its buffer goes.
#pragma once

#include <string>
#include <vector>

#include "preflight/host_view.h"

namespace nvccd::preflight {

struct KernelMessage {
  int level;  // 0 (emergency) to 7 (debug), as in syslog(3)
  std::string text;
};

// From /dev/kmsg, whose records Documentation/ABI/testing/dev-kmsg of the kernel describes. Oldest first.
// Does not wait for new messages, and leaves out what programs wrote into the log. The error says why the log
// may not be read, which is usual for all but root.
Result<std::vector<KernelMessage>> read_kernel_log(const HostView& host);

}  // namespace nvccd::preflight
