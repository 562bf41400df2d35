#include "schedule_generator.h"

#include <rapidcheck.h>

#include <array>

namespace nvccd::test {
namespace {

constexpr int most_commands = 24;

template <std::size_t size>
rc::Gen<unsigned> one_of(const std::array<unsigned, size>& values) {
  return rc::gen::map(rc::gen::inRange<unsigned>(0, size),
                      [values](unsigned index) { return values[index]; });
}

rc::Gen<Happening> happening() {
  std::vector<Happening> weighted;
  for (unsigned what = 0; what < happenings; ++what)
    weighted.insert(weighted.end(), weight_of(static_cast<Happening>(what)), static_cast<Happening>(what));
  // Choosing another one makes nothing smaller.
  return rc::gen::noShrink(rc::gen::elementOf(weighted));
}

rc::Gen<Command> command() {
  return rc::gen::build<Command>(
      rc::gen::set(&Command::what, happening()),
      rc::gen::set(&Command::device, one_of<8>({0, 1, 0, 1, 0, 2, 1, 3})),
      rc::gen::set(&Command::choice, rc::gen::inRange<unsigned>(0, 16)),
      rc::gen::set(&Command::wait, one_of<8>({0, 1, 3, 20, 60, 200, 3000, 15000})),
      rc::gen::set(&Command::accesses, one_of<12>({0, 0, 0, 0, 0, 1, 4, 9, 17, 30, 55, 90})),
      rc::gen::set(
          &Command::moment,
          rc::gen::map(rc::gen::inRange(0, 12), [](int n) { return n < 10 ? Moment::any : Moment(n - 9); })),
      rc::gen::set(&Command::late, one_of<8>({0, 0, 0, 1, 4, 25, 80, 2000})));
}

rc::Gen<Schedule> schedule() {
  const auto fleets = static_cast<unsigned>(law_fleets().size());
  return rc::gen::build<Schedule>(
      rc::gen::set(&Schedule::fleet,
                   rc::gen::resize(rc::kNominalSize, rc::gen::inRange<unsigned>(0, fleets))),
      rc::gen::set(&Schedule::commands,
                   rc::gen::container<std::vector<Command>>(rc::gen::resize(rc::kNominalSize, command()))));
}

}  // namespace

rc::Shrinkable<Schedule> make_schedule(std::uint64_t seed) {
  static const auto generator = schedule();
  return generator(rc::Random(seed), 2 + static_cast<int>(seed % most_commands));
}

}  // namespace nvccd::test
