// Schedules by chance, and what is smaller than one that broke a law.
#pragma once

#include <rapidcheck/Gen.h>

#include "schedule.h"

namespace nvccd::test {

// The same seed has the same schedule.
rc::Shrinkable<Schedule> make_schedule(std::uint64_t seed);

}  // namespace nvccd::test
