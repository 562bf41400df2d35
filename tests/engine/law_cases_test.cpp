// One story for each way in which a law was broken once; laws_main.cpp found them by chance and made them
// small.
#include "law_world.h"

namespace nvccd::test {
namespace {

using emulator::Model;
using enum Happening;

constexpr unsigned long_after_start = 200;  // everything is ready by then

class LawCases : public testing::Test {
 protected:
  void happens(const Fleet& fleet, const std::vector<Command>& commands) {
    LawWorld world(fleet);
    world.run(commands);
    for (const auto& [law, details] : world.broken())
      ADD_FAILURE() << law << "\n" << details << "\n" << world.story();
  }

  const Fleet one_gpu{"a GPU", {Model::gh100}};
  const Fleet two_gpus{"two GPUs", {Model::gh100, Model::gh100}};
  const Fleet two_gpus_of_a_group{"two GPUs of an IOMMU group", {Model::gh100, Model::gh100}, true};
  const Fleet hopper_and_blackwell{"GPUs of two kinds", {Model::gh100, Model::gb100}};
  const Fleet gpu_and_switch{"GPU and NVSwitch", {Model::gh100, Model::ls10}};
  const Fleet one_switch{"an NVSwitch", {Model::ls10}};
};

TEST_F(LawCases, NobodySeesReadyBesideADeviceThatIsBeingChanged) {
  happens(one_gpu, {{.what = set_mode, .choice = 0, .wait = long_after_start}});
}

TEST_F(LawCases, ANodeWithoutAGpuIsNotReady) {
  happens(one_switch, {});
}

TEST_F(LawCases, AnErrorRecoveryDuringALookIsPublishedAtOnce) {
  happens(one_gpu, {{.what = rescan, .wait = long_after_start}, {.what = recovery, .accesses = 3}});
}

TEST_F(LawCases, AResetByAnotherToolDuringALookIsPublishedAtOnce) {
  happens(one_gpu,
          {{.what = rescan, .wait = long_after_start}, {.what = tool_reset, .choice = 0, .accesses = 3}});
}

TEST_F(LawCases, ADriverThatCameBackBeforeItsEventIsDoubted) {
  happens(one_gpu, {{.what = driver_flicker, .choice = 4, .wait = long_after_start, .late = 25}});
}

TEST_F(LawCases, ADriverThatIsTakenAwayDuringALookIsPublishedAtOnce) {
  happens(one_gpu, {{.what = reload, .wait = long_after_start}, {.what = driver_taken, .accesses = 30}});
}

TEST_F(LawCases, TheLookAtACardThatIsGoneSaysNothingOfItsSuccessor) {
  happens(gpu_and_switch, {{.what = replace, .device = 0, .choice = 7}, {.what = set_mode, .choice = 3}});
}

TEST_F(LawCases, TheLookAtACardThatIsGoneDoesNotMakeItsSuccessorBeLookedAtForEver) {
  happens(gpu_and_switch, {{.what = replace, .device = 0, .choice = 7},
                           {.what = driver_taken, .device = 1, .choice = 8, .accesses = 1, .late = 4},
                           {.what = recovery, .device = 0, .accesses = 9, .late = 25}});
}

TEST_F(LawCases, AJobIsNotDoneWhileOneOfItsDevicesIsInDoubt) {
  happens(one_gpu, {{.what = rescan, .wait = 20}});
}

TEST_F(LawCases, AnExcludedDeviceIsNotResetByAChangeThatWasStillStaging) {
  happens(one_gpu, {{.what = exclude, .moment = Moment::staging}});
}

TEST_F(LawCases, ADeviceWhoseDriverWasTakenAwayBetweenStagingAndResetIsNotReset) {
  happens(one_gpu, {{.what = driver_taken, .moment = Moment::staging}});
}

TEST_F(LawCases, AfterLostEventsACardMayBeAnother) {
  happens(one_gpu, {{.what = replace, .wait = long_after_start, .late = 2000}, {.what = udev_events_lost}});
}

TEST_F(LawCases, AJobThatHasResetADeviceIsNotCancelledAfterwards) {
  happens(one_gpu, {{.what = set_mode, .choice = 3, .wait = long_after_start},
                    {.what = reload, .moment = Moment::booting},
                    {.what = cancel, .wait = 42}});
}

TEST_F(LawCases, AJobIsNotDoneWhenOneOfItsDevicesWasPulledOut) {
  happens(two_gpus, {{.what = set_mode, .choice = 3, .wait = long_after_start},
                     {.what = reload, .wait = 68},  // while it is verified
                     {.what = unplug, .device = 1, .wait = 2}});
}

TEST_F(LawCases, AJobIsNotDoneInAModeThatWasNoLongerWantedAndNeverReached) {
  happens(one_gpu, {{.what = clear_mode}, {.what = default_mode, .choice = 0}});
}

TEST_F(LawCases, ACardThatIsReplacedDuringTheFirstLookIsNotInUseForEver) {
  happens(one_gpu, {{.what = replace}});
}

TEST_F(LawCases, AChangeDoesNotWaitForEverForACardThatWasReplaced) {
  happens(two_gpus, {{.what = clear_mode}, {.what = replace}});
}

TEST_F(LawCases, ACardThatIsReplacedLeavesItsGroupNotInUseForEver) {
  happens(two_gpus_of_a_group, {{.what = replace, .choice = 4}});
}

TEST_F(LawCases, ACardThatMayNotJoinItsFabricIsFailedWithAnError) {
  happens(hopper_and_blackwell, {{.what = exclude, .device = 1, .wait = long_after_start},
                                 {.what = set_mode, .choice = 3, .wait = long_after_start},
                                 {.what = include, .device = 1, .wait = 500},
                                 {.what = replace, .device = 0, .wait = 500}});
}

TEST_F(LawCases, AReplacementThatIsSeenWhenAResetEndsEndsTheJobOnce) {
  happens(one_gpu, {{.what = replace, .choice = 7, .wait = long_after_start, .late = 1},
                    {.what = Happening::reset, .choice = 0},
                    {.what = resume}});
}

}  // namespace
}  // namespace nvccd::test
