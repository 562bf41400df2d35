#include "client/local_findings.h"

#include "preflight/preflight.h"

namespace nvccd::client {

Findings local_findings() {
  return preflight::run_without_daemon();
}

}  // namespace nvccd::client
