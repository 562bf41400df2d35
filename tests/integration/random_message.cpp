#include "random_message.h"

#include <limits>

namespace nvccd::test {
namespace {

constexpr unsigned deepest = 5;

// Length of the first complete type of a valid signature that is not empty.
std::size_t first_type(std::string_view signature) {
  if (signature[0] == 'a') return 1 + first_type(signature.substr(1));
  if (signature[0] != '(' && signature[0] != '{') return 1;
  std::size_t end = 1;
  while (signature[end] != ')' && signature[end] != '}')
    end += first_type(signature.substr(end));
  return end + 1;
}

}  // namespace

std::string RandomMessage::complete_type(unsigned depth) {
  static const std::string basic = "ybnqiuxtdsog";
  const unsigned kind = depth >= deepest ? 0 : below(8);
  if (kind < 4) return std::string(1, basic[below(static_cast<unsigned>(basic.size()))]);
  if (kind == 4) return "v";
  if (kind == 5) return "a" + complete_type(depth + 1);
  if (kind == 6)
    return std::string("a{") + basic[below(static_cast<unsigned>(basic.size()))] + complete_type(depth + 1) +
           "}";
  std::string inside;
  for (unsigned n = 1 + below(3); n > 0; --n)
    inside += complete_type(depth + 1);
  return "(" + inside + ")";
}

std::string RandomMessage::signature() {
  std::string all;
  for (unsigned n = below(5); n > 0; --n)
    all += complete_type(0);
  return all;
}

std::string RandomMessage::text() {
  static const std::vector<std::string> words = {"on",
                                                 "off",
                                                 "ppcie",
                                                 "devtools",
                                                 "persist",
                                                 "wait",
                                                 "dry-run",
                                                 "0000:01:00.0",
                                                 "0000:81:00.0",
                                                 "org.nvccd1.Manager",
                                                 "org.nvccd1.Device",
                                                 "org.nvccd1.Job",
                                                 "Ready",
                                                 "Mode",
                                                 "State",
                                                 "",
                                                 " ",
                                                 "On",
                                                 "on ",
                                                 "unknown",
                                                 "%s%s%n",
                                                 "../../etc/shadow",
                                                 "/",
                                                 "a\tb\nc",
                                                 "-1",
                                                 "\xf0\x9f\x90\xa7",
                                                 "0000:01:00",
                                                 "ffff:ff:1f.7",
                                                 "\xe2\x80\xae\x1b[31m",
                                                 "'; rm -rf /",
                                                 "org.freedesktop.DBus.Properties"};
  if (one_in(200)) return std::string(1U + below(200'000), 'x');
  if (one_in(20)) return std::string(below(5'000), '\x7f');
  return one_of(words);
}

std::string RandomMessage::path() {
  static const std::vector<std::string> paths = {"/",
                                                 "/org",
                                                 "/org/nvccd1",
                                                 "/org/nvccd1/device",
                                                 "/org/nvccd1/job",
                                                 "/org/nvccd1/job/0",
                                                 "/org/nvccd1/job/99999999999999999999",
                                                 "/org/nvccd1/device/0000_01_00_0/x",
                                                 "/org/nvccd1/device/0000_99_00_0",
                                                 "/org/nvccd1/device/_"};
  return one_in(20) ? "/org/nvccd1/" + std::string(1 + below(3'000), 'p') : one_of(paths);
}

int RandomMessage::append(sd_bus_message* message, std::string_view signature) {
  while (!signature.empty()) {
    const std::size_t length = first_type(signature);
    if (const int r = append_one(message, signature.substr(0, length), 0); r < 0) return r;
    signature.remove_prefix(length);
  }
  return 0;
}

int RandomMessage::append_one(sd_bus_message* message, std::string_view type, unsigned depth) {
  switch (type[0]) {
    case 'v':
      return append_container(message, 'v', one_in(2) ? "b" : complete_type(depth + 1), 1, depth);
    case 'a':
      return append_container(message, 'a', std::string(type.substr(1)),
                              one_in(500) ? 2'000 : below(depth < 2 ? 4 : 2), depth);
    case '(':
      return append_container(message, 'r', std::string(type.substr(1, type.size() - 2)), 1, depth);
    case '{':
      return append_container(message, 'e', std::string(type.substr(1, type.size() - 2)), 1, depth);
    default:
      return append_basic(message, type[0]);
  }
}

int RandomMessage::append_container(sd_bus_message* message, char type, const std::string& contents,
                                    unsigned count, unsigned depth) {
  int r = sd_bus_message_open_container(message, type, contents.c_str());
  for (; count > 0 && r >= 0; --count)
    for (std::string_view rest = contents; !rest.empty() && r >= 0;) {
      const std::size_t length = first_type(rest);
      r = append_one(message, rest.substr(0, length), depth + 1);
      rest.remove_prefix(length);
    }
  return r < 0 ? r : sd_bus_message_close_container(message);
}

int RandomMessage::append_basic(sd_bus_message* message, char type) {
  if (type == 's') return sd_bus_message_append_basic(message, 's', text().c_str());
  if (type == 'o') return sd_bus_message_append_basic(message, 'o', path().c_str());
  if (type == 'g') return sd_bus_message_append_basic(message, 'g', complete_type(3).c_str());
  if (type == 'b') {
    const int value = one_in(2);
    return sd_bus_message_append_basic(message, 'b', &value);
  }
  if (type == 'd') {
    static const std::vector<double> values = {0, -1, 1e308, std::numeric_limits<double>::quiet_NaN()};
    return sd_bus_message_append_basic(message, 'd', &one_of(values));
  }
  // Any integer: as many of these bytes as the type has.
  const std::uint64_t value = one_in(3) ? engine_() : one_in(2) ? ~0ULL : 0;
  return sd_bus_message_append_basic(message, type, &value);
}

}  // namespace nvccd::test
