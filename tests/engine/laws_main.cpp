// The laws as a property: schedules by chance on emulated nodes, in virtual time. One that breaks a law is
// made smaller and printed, with the seed that makes it again.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>

#include "law_world.h"
#include "schedule_generator.h"

namespace nvccd::test {
namespace {

struct Options {
  std::uint64_t schedules = 3000;
  std::uint64_t seed = 1;
  unsigned shrinks = 400;  // runs that a broken law is worth
  bool tell = false;
};

class Search {
 public:
  explicit Search(const Options& options) : options_(options) {}

  // Whether no law was broken.
  bool run() {
    const auto start = std::chrono::steady_clock::now();
    for (std::uint64_t n = 0; n < options_.schedules; ++n)
      try_seed(options_.seed + n);
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    std::cout << fmt::format(
        "laws: {} schedules from seed {}, {} steps, {} of {} kinds of happenings, {:.0f} s; {}\n",
        options_.schedules, options_.seed, steps_, covered_.size(), happenings, time.count(),
        broken_.empty() ? "no law broken" : fmt::format("{} broken", broken_.size()));
    for (const auto& [what, times] : covered_)
      std::cout << fmt::format("  {:>6} {}\n", times, name_of(what));
    for (const auto& [law, found] : broken_)
      std::cout << fmt::format("BROKEN in {} schedules, first by seed {}: {}\n", found.times, found.seed,
                               law);
    return broken_.empty();
  }

 private:
  struct Found {
    std::uint64_t seed;
    std::uint64_t times = 0;
  };
  using Broken = std::map<std::string, std::string>;

  Broken try_schedule(const Schedule& schedule, std::string* story = nullptr) {
    LawWorld world(law_fleets().at(schedule.fleet));
    world.run(schedule.commands);
    steps_ += world.steps();
    if (story != nullptr) *story = world.story();
    return world.broken();
  }

  void try_seed(std::uint64_t seed) {
    const auto shrinkable = make_schedule(seed);
    const Schedule schedule = shrinkable.value();
    std::string story;
    const Broken broken = try_schedule(schedule, &story);
    if (options_.tell) std::cout << describe(schedule) << story;
    for (const Command& command : schedule.commands)
      ++covered_[command.what];
    for (const auto& [law, details] : broken) {
      const auto [found, is_new] = broken_.try_emplace(law, Found{.seed = seed});
      ++found->second.times;
      if (is_new) report(law, details, seed, shrinkable);
    }
  }

  // The smallest that breaks the same law, going down the first branch that does.
  void report(const std::string& law, const std::string& details, std::uint64_t seed,
              rc::Shrinkable<Schedule> smallest) {
    unsigned runs = 0;
    for (bool smaller = true; smaller && runs < options_.shrinks;) {
      smaller = false;
      auto shrinks = smallest.shrinks();
      for (auto next = shrinks.next(); next && runs < options_.shrinks; next = shrinks.next()) {
        ++runs;
        if (!try_schedule(next->value()).contains(law)) continue;
        smallest = *next;
        smaller = true;
        break;
      }
    }
    std::string story;
    const Broken broken = try_schedule(smallest.value(), &story);
    std::cout << fmt::format(
                     "\n==== {}\n{}\nseed {}, after {} attempts to make it smaller:\n{}what happened:\n{}\n",
                     law, broken.contains(law) ? broken.at(law) : details, seed, runs,
                     describe(smallest.value()), story)
              << std::flush;
  }

  Options options_;
  std::map<std::string, Found> broken_;
  std::map<Happening, std::uint64_t> covered_;
  std::uint64_t steps_ = 0;
};

}  // namespace
}  // namespace nvccd::test

int main(int argc, char** argv) {
  nvccd::test::Options options;
  CLI::App app("Judges the daemon's engine by its laws, on schedules made by chance.");
  app.add_option("--schedules", options.schedules, "how many")->capture_default_str();
  app.add_option("--seed", options.seed, "of the first; the others follow")->capture_default_str();
  app.add_option("--shrinks", options.shrinks, "attempts to make smaller what breaks a law")
      ->capture_default_str();
  app.add_flag("--story", options.tell, "print what happens in each schedule");
  CLI11_PARSE(app, argc, argv);
  return nvccd::test::Search(options).run() ? 0 : 1;
}
