#include "daemon/hardware/fsp_transport.h"

#include <utility>

#include "daemon/hardware/emem_transport.h"
#include "daemon/hardware/mnoc_transport.h"

namespace nvccd {

std::unique_ptr<FspTransport> make_transport(Mailbox mailbox, RegisterWindow& registers, Clock& clock) {
  switch (mailbox) {
    case Mailbox::emem:
      return std::make_unique<EmemTransport>(registers, clock);
    case Mailbox::mnoc:
      return std::make_unique<MnocTransport>(registers, clock);
  }
  std::unreachable();
}

}  // namespace nvccd
