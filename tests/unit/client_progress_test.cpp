#include "client/progress.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "client_views.h"

namespace nvccd::client {
namespace {

using namespace std::chrono_literals;

const JobView job{.kind = JobKind::set_mode,
                  .mode = Mode::ppcie,
                  .state = JobState::running,
                  .phase = JobPhase::reset,
                  .progress = 0.5};

std::vector<DeviceView> devices() {
  std::vector<DeviceView> list{gpu("0000:65:00.0"), gpu("0000:66:00.0"), nvswitch("0000:83:00.0")};
  list[0].requested_mode = Mode::ppcie;
  list[0].state = DeviceState::transitioning;
  list[1].mode = list[1].requested_mode = Mode::ppcie;
  list[2].mode = Word<Mode>("unknown");
  list[2].requested_mode = Mode::ppcie;
  list[2].state = DeviceState::failed;
  list[2].error = "0000:83:00.0: boot: the device did not boot within 60 s; power-cycle it";
  return list;
}

TEST(ProgressBar, IsFullOnlyAtTheEndAndBearsNonsense) {
  EXPECT_EQ(bar(0, 10), "[----------]");
  EXPECT_EQ(bar(0.99, 10), "[#########-]");
  EXPECT_EQ(bar(1, 10), "[##########]");
  EXPECT_EQ(bar(7, 10), "[##########]");
  EXPECT_EQ(bar(-1, 10), "[----------]");
  EXPECT_EQ(bar(std::numeric_limits<double>::quiet_NaN(), 10), "[----------]");
}

TEST(ProgressLines, AreABarAndALineADevice) {
  EXPECT_EQ(progress_lines("set-mode ppcie", job, devices(), 12s, {}, 24),
            (std::vector<std::string>{
                "set-mode ppcie: resetting  [##########----------]  50 %  12 s",
                "  0000:65:00.0  gpu       H100 SXM5 80GB  on -> ppcie       transitioning",
                "  0000:66:00.0  gpu       H100 SXM5 80GB  ppcie             ready",
                "  0000:83:00.0  nvswitch  H100 NVSwitch   unknown -> ppcie  failed: boot: the device "
                "did not boot within 60 s; power-cycle it"}));
}

TEST(ProgressLines, FitTheTerminal) {
  for (const std::size_t width : {120U, 79U, 60U})
    for (const std::string& line :
         progress_lines("set-mode ppcie", job, devices(), 12s, {.width = width}, 24))
      EXPECT_LE(columns_of(line), width) << line;
  EXPECT_EQ(progress_lines("set-mode ppcie", job, {}, 12s, {.width = 50}, 24)[0],
            "set-mode ppcie: resetting  50 %  12 s");
  const auto lines = progress_lines("set-mode ppcie", job, devices(), 12s, {}, 3);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[2], "  and 2 more");
}

TEST(ProgressLines, HaveNoBarWhileTheChangeWaits) {
  JobView waiting = job;
  waiting.state = JobState::waiting;
  EXPECT_EQ(progress_lines("set-mode ppcie", waiting, {}, 3s, {}, 24),
            std::vector<std::string>{"set-mode ppcie: waiting for devices in use  3 s"});
}

}  // namespace
}  // namespace nvccd::client
