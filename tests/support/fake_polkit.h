// org.freedesktop.PolicyKit1 on a private bus, which answers as the test says.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/base/event.h"
#include "private_bus.h"

namespace nvccd::test {

class FakePolkit {
 public:
  enum class Answer { allow, deny, challenge, fail, wait };

  struct Check {
    std::string action;
    std::string subject;  // bus name
    std::map<std::string, std::string> details;
    bool interactive = false;
    std::string cancellation_id;
  };

  FakePolkit(sd_event* event, const std::string& address);

  Answer answer = Answer::deny;
  std::vector<Check> checks;
  std::vector<std::string> cancelled;

  // Answers the checks that wait, as `answer` now says.
  void answer_waiting();

 private:
  int reply(sd_bus_message* check) const;
  static int on_check(sd_bus_message* message, void* userdata, sd_bus_error* error);
  static int on_cancel(sd_bus_message* message, void* userdata, sd_bus_error* error);
  static const sd_bus_vtable vtable[];

  Client client_;
  BusSlotPtr slot_;
  std::vector<BusMessagePtr> waiting_;
};

}  // namespace nvccd::test
