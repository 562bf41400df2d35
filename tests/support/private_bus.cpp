#include "private_bus.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "common/base/fd.h"
#include "common/bus/names.h"

namespace nvccd::test {
namespace {

void require(int r, const char* what) {
  if (r < 0) throw std::runtime_error(std::string(what) + " failed: " + std::to_string(-r));
}

std::string read_line(int fd) {
  std::string line;
  char c = 0;
  while (::read(fd, &c, 1) == 1 && c != '\n')
    line += c;
  return line;
}

// Changes the user of this thread only, which is what the peer of a new connection sees.
class ActingAs {
 public:
  explicit ActingAs(uid_t user) : acting_(user != static_cast<uid_t>(-1)) {
    if (acting_) require(static_cast<int>(::syscall(SYS_setresuid, -1, user, -1)), "setresuid");
  }
  ~ActingAs() {
    if (acting_) ::syscall(SYS_setresuid, -1, 0, -1);
  }
  ActingAs(const ActingAs&) = delete;
  ActingAs& operator=(const ActingAs&) = delete;

 private:
  bool acting_;
};

}  // namespace

PrivateBus::PrivateBus(const std::string& policy) {
  const auto config = directory_.path() / "bus.conf";
  std::ofstream(config) << "<busconfig><type>system</type><listen>unix:dir=" << directory_.path().string()
                        << "</listen><auth>EXTERNAL</auth>" << policy << "</busconfig>";
  int ends[2];
  require(::pipe(ends), "pipe");
  UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  const std::string config_option = "--config-file=" + config.string();
  const std::string address_option = "--print-address=" + std::to_string(write_end.get());
  const auto log_file = directory_.path() / "bus.log";
  const UniqueFd log(::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  pid_ = ::fork();
  require(pid_, "fork");
  if (pid_ == 0) {
    ::dup2(log.get(), STDERR_FILENO);
    ::execlp("dbus-daemon", "dbus-daemon", config_option.c_str(), "--nofork", "--nopidfile",
             address_option.c_str(), nullptr);
    ::_exit(127);
  }
  write_end.reset();
  address_ = read_line(read_end.get());
  if (!address_.empty()) return;
  ::waitpid(pid_, nullptr, 0);
  std::stringstream said;
  said << std::ifstream(log_file).rdbuf();
  throw std::runtime_error("dbus-daemon did not start: " + said.str());
}

PrivateBus::~PrivateBus() {
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
}

std::string Reply::read_string(char type) const {
  const char* text = nullptr;
  return message && sd_bus_message_read_basic(message.get(), type, &text) > 0 ? text : "";
}

Client::Client(sd_event* event, const std::string& address, uid_t user) : event_(event) {
  const ActingAs acting(user);
  sd_bus* bus = nullptr;
  require(sd_bus_new(&bus), "sd_bus_new");
  bus_.reset(bus);
  require(sd_bus_set_address(bus, address.c_str()), "sd_bus_set_address");
  require(sd_bus_set_bus_client(bus, 1), "sd_bus_set_bus_client");
  require(sd_bus_start(bus), "sd_bus_start");
  unique_name();  // waits until the bus has accepted us
  require(sd_bus_attach_event(bus, event, 0), "sd_bus_attach_event");
}

std::string Client::unique_name() {
  const char* name = nullptr;
  require(sd_bus_get_unique_name(bus_.get(), &name), "sd_bus_get_unique_name");
  return name;
}

BusMessagePtr Client::new_call(const std::string& path, const char* interface, const char* member) {
  sd_bus_message* message = nullptr;
  require(
      sd_bus_message_new_method_call(bus_.get(), &message, dbus::bus_name, path.c_str(), interface, member),
      "sd_bus_message_new_method_call");
  return BusMessagePtr(message);
}

BusSlotPtr Client::start_call(const BusMessagePtr& message, sd_bus_message_handler_t done, void* userdata) {
  sd_bus_slot* slot = nullptr;
  require(sd_bus_call_async(bus_.get(), &slot, message.get(), done, userdata, 0), "sd_bus_call_async");
  return BusSlotPtr(slot);
}

Reply Client::call(const BusMessagePtr& message) {
  Reply reply;
  const auto keep = [](sd_bus_message* answer, void* userdata, sd_bus_error*) {
    auto& kept = *static_cast<Reply*>(userdata);
    kept.message = share(answer);
    if (const sd_bus_error* error = sd_bus_message_get_error(answer)) {
      kept.error_name = error->name;
      kept.error_message = error->message ? error->message : "";
    }
    return 0;
  };
  const auto slot = start_call(message, keep, &reply);
  if (!run_until(event_, [&] { return reply.message != nullptr; }))
    reply.error_name = "no answer in the test's time";
  return reply;
}

}  // namespace nvccd::test
