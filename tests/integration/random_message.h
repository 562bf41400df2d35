// Arguments of D-Bus calls, made up: of the right types or of any others, with values that try one's
// patience.
#pragma once

#include <systemd/sd-bus.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace nvccd::test {

class RandomMessage {
 public:
  explicit RandomMessage(std::uint64_t seed) : engine_(seed) {}

  unsigned below(unsigned limit) { return static_cast<unsigned>(engine_() % limit); }
  bool one_in(unsigned n) { return below(n) == 0; }
  template <typename T>
  const T& one_of(const std::vector<T>& choices) {
    return choices[below(static_cast<unsigned>(choices.size()))];
  }

  // A valid signature of up to four complete types; may be empty.
  std::string signature();
  // Words that mean something to nvccd, near misses, and what breaks careless programs. Always UTF-8.
  std::string text();
  // A valid object path, seldom one that exists.
  std::string path();

  // Appends values of these types. Negative errno when the message cannot hold them.
  int append(sd_bus_message* message, std::string_view signature);

 private:
  std::string complete_type(unsigned depth);
  int append_one(sd_bus_message* message, std::string_view type, unsigned depth);
  int append_basic(sd_bus_message* message, char type);
  int append_container(sd_bus_message* message, char type, const std::string& contents, unsigned count,
                       unsigned depth);

  std::mt19937_64 engine_;
};

}  // namespace nvccd::test
