#include "fake_polkit.h"

#include <stdexcept>
#include <utility>

namespace nvccd::test {

const sd_bus_vtable FakePolkit::vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("CheckAuthorization", "(sa{sv})sa{ss}us", "(bba{ss})", on_check,
                  SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("CancelCheckAuthorization", "s", "", on_cancel, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

FakePolkit::FakePolkit(sd_event* event, const std::string& address) : client_(event, address) {
  sd_bus_slot* slot = nullptr;
  const int r = sd_bus_add_object_vtable(client_.bus(), &slot, "/org/freedesktop/PolicyKit1/Authority",
                                         "org.freedesktop.PolicyKit1.Authority", vtable, this);
  slot_.reset(slot);
  if (r < 0 || sd_bus_request_name(client_.bus(), "org.freedesktop.PolicyKit1", 0) < 0)
    throw std::runtime_error("the fake polkit cannot be put on the bus");
}

int FakePolkit::on_check(sd_bus_message* message, void* userdata, sd_bus_error*) {
  auto& polkit = *static_cast<FakePolkit*>(userdata);
  const char* kind = nullptr;
  const char* key = nullptr;
  const char* text = nullptr;
  Check check;
  sd_bus_message_enter_container(message, 'r', "sa{sv}");
  sd_bus_message_read(message, "s", &kind);
  sd_bus_message_enter_container(message, 'a', "{sv}");
  while (sd_bus_message_read(message, "{sv}", &key, "s", &text) > 0)
    if (std::string(kind) == "system-bus-name" && std::string(key) == "name") check.subject = text;
  sd_bus_message_exit_container(message);
  sd_bus_message_exit_container(message);
  sd_bus_message_read(message, "s", &text);
  check.action = text;
  sd_bus_message_enter_container(message, 'a', "{ss}");
  while (sd_bus_message_read(message, "{ss}", &key, &text) > 0)
    check.details[key] = text;
  sd_bus_message_exit_container(message);
  std::uint32_t flags = 0;
  sd_bus_message_read(message, "us", &flags, &text);
  check.interactive = flags & 1;
  check.cancellation_id = text;
  polkit.checks.push_back(check);
  if (polkit.answer != Answer::wait) return polkit.reply(message);
  polkit.waiting_.push_back(share(message));
  return 1;
}

int FakePolkit::reply(sd_bus_message* check) const {
  if (answer == Answer::fail)
    return sd_bus_reply_method_errorf(check, "org.freedesktop.PolicyKit1.Error.Failed", "out of order");
  return sd_bus_reply_method_return(check, "(bba{ss})", answer == Answer::allow, answer == Answer::challenge,
                                    0);
}

int FakePolkit::on_cancel(sd_bus_message* message, void* userdata, sd_bus_error*) {
  const char* id = nullptr;
  sd_bus_message_read(message, "s", &id);
  static_cast<FakePolkit*>(userdata)->cancelled.emplace_back(id);
  return sd_bus_reply_method_return(message, "");
}

void FakePolkit::answer_waiting() {
  for (const BusMessagePtr& check : std::exchange(waiting_, {}))
    reply(check.get());
}

}  // namespace nvccd::test
