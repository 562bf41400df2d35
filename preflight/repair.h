// What can be put right without risk: files of our own are written and modules loaded. Nothing is restarted,
// rebooted or removed.
#pragma once

#include "common/model/finding.h"
#include "preflight/subject.h"

namespace nvccd::preflight {

struct Repair {
  std::vector<std::string> findings;  // ids of the findings that it mends
  std::string file = {};              // to be written with this content; "": none
  std::string content = {};
  std::string module = {};      // to be loaded; "": none
  std::string afterwards = {};  // what is left to people, such as restarting the kubelet; "": nothing

  std::string description() const;  // "write /etc/modprobe.d/nvccd-deny.conf"
};

// Repairs of what the findings of the subject complain of; those that cannot be mended safely are left out.
std::vector<Repair> plan_repairs(const Subject& subject, const Findings& findings);

// A file that is there already and that an earlier repair did not write is first copied to FILE.before-nvccd;
// the name of the copy is returned, "" when there was none to make.
Result<std::string> apply(const Repair& repair, const HostView& host);

}  // namespace nvccd::preflight
