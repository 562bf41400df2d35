// What the agent does next, for everything it can know.
#include "kubernetes/node-agent/decision.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace nvccd::agent {
namespace {

constexpr auto vfio_manager = "nvidia.com/gpu.deploy.vfio-manager";
constexpr auto paused_value = "paused-for-cc-mode-change";

std::string label(std::string_view key) {
  return std::string(key);
}

// A node in mode on, ready, whose labels say so.
Situation settled() {
  Situation situation;
  situation.labels = {{label(mode_state_label), "on"}, {label(ready_state_label), "true"}};
  situation.presence = Presence::present;
  situation.nvccd.node = {
      .default_mode = Mode::on, .requested_mode = Mode::on, .mode_state = ModeState::on, .ready = true};
  return situation;
}

// The same, and the label asks for ppcie, which nvccd would do.
Situation asked_for_ppcie() {
  Situation situation = settled();
  situation.labels[label(mode_label)] = "ppcie";
  situation.check = Check{.change = SetMode{"ppcie"}, .affects = true};
  return situation;
}

client::JobView mode_job(JobState state, JobPhase phase = JobPhase::reset) {
  return {.id = 7,
          .kind = JobKind::set_mode,
          .mode = Mode::ppcie,
          .devices = {"0000:65:00.0"},
          .state = state,
          .phase = phase};
}

bool nothing(const Decision& decision) {
  return decision.labels.empty() && std::holds_alternative<std::monostate>(decision.call);
}

std::vector<std::string> reasons(const Decision& decision) {
  std::vector<std::string> found;
  for (const Notice& notice : decision.notices)
    found.push_back(notice.reason);
  return found;
}

bool tells(const Decision& decision, std::string_view reason) {
  return std::ranges::any_of(decision.notices, [&](const Notice& notice) { return notice.reason == reason; });
}

// Puts into effect what was decided, as far as it is labels and files.
void apply(Situation& situation, const Decision& decision) {
  for (const auto& [key, value] : decision.labels)
    situation.labels[key] = value;
  if (decision.withdrawn) situation.withdrawn = *decision.withdrawn;
}

TEST(Decision, ASettledNodeIsLeftAlone) {
  const Decision decision = decide(settled());
  EXPECT_TRUE(nothing(decision));
  EXPECT_TRUE(decision.notices.empty());
}

TEST(Decision, NothingIsWrittenBeforeNvccdWasAsked) {
  Situation situation = asked_for_ppcie();
  situation.presence = Presence::unknown;
  EXPECT_TRUE(nothing(decide(situation)));
}

TEST(Decision, AModeIsCheckedBeforeAnybodyIsDisturbed) {
  Situation situation = asked_for_ppcie();
  situation.labels[vfio_manager] = "true";
  situation.check.reset();
  const Decision decision = decide(situation);
  EXPECT_EQ(std::get<CheckMode>(decision.call).change, Change(SetMode{"ppcie"}));
  EXPECT_TRUE(decision.labels.empty());
  EXPECT_FALSE(decision.withdrawn.value_or(false));
}

TEST(Decision, ACheckOfAnotherModeIsNone) {
  Situation situation = asked_for_ppcie();
  situation.check->change = SetMode{"off"};
  EXPECT_EQ(std::get<CheckMode>(decide(situation).call).change, Change(SetMode{"ppcie"}));
}

TEST(Decision, FirstEverybodyMakesWayThenNvccdIsCalled) {
  Situation situation = asked_for_ppcie();
  situation.labels[vfio_manager] = "true";
  situation.running_apps = {"nvidia-vfio-manager"};

  Decision decision = decide(situation);
  EXPECT_EQ(decision.withdrawn, true);
  EXPECT_EQ(decision.labels, (Labels{{label(ready_state_label), "false"}, {vfio_manager, paused_value}}));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(decision.call));
  apply(situation, decision);

  decision = decide(situation);
  EXPECT_TRUE(nothing(decision));
  EXPECT_TRUE(decision.awaits_operands);

  situation.running_apps.clear();
  decision = decide(situation);
  EXPECT_EQ(std::get<SetMode>(decision.call).mode, "ppcie");
}

TEST(Decision, NvccdIsNotCalledWhileDevicesAreOffered) {
  Situation situation = asked_for_ppcie();
  situation.labels[label(ready_state_label)] = "false";
  EXPECT_TRUE(std::holds_alternative<std::monostate>(decide(situation).call));
  situation.withdrawn = true;
  EXPECT_TRUE(std::holds_alternative<SetMode>(decide(situation).call));
}

TEST(Decision, OperandsThatStayAreWaitedForOnlySoLong) {
  Situation situation = asked_for_ppcie();
  situation.labels[vfio_manager] = paused_value;
  situation.labels[label(ready_state_label)] = "false";
  situation.withdrawn = true;
  situation.running_apps = {"nvidia-vfio-manager"};
  EXPECT_TRUE(nothing(decide(situation)));
  situation.waited_long_enough = true;
  const Decision decision = decide(situation);
  EXPECT_TRUE(std::holds_alternative<SetMode>(decision.call));
  EXPECT_TRUE(tells(decision, "OperandsStillRunning"));
}

TEST(Decision, OperandsThatMayNotBeSeenCountAsRunning) {
  Situation situation = asked_for_ppcie();
  situation.labels[vfio_manager] = paused_value;
  situation.labels[label(ready_state_label)] = "false";
  situation.withdrawn = true;
  situation.pods = PodView::refused;
  EXPECT_TRUE(decide(situation).awaits_operands);
  situation.waited_long_enough = true;
  EXPECT_TRUE(std::holds_alternative<SetMode>(decide(situation).call));
}

TEST(Decision, AChangeThatAffectsNoDeviceDisturbsNobody) {
  Situation situation = asked_for_ppcie();
  situation.labels[vfio_manager] = "true";
  situation.check->affects = false;
  const Decision decision = decide(situation);
  EXPECT_EQ(std::get<SetMode>(decision.call).mode, "ppcie");
  EXPECT_TRUE(decision.labels.empty());
  EXPECT_FALSE(decision.withdrawn.value_or(false));
}

TEST(Decision, OfARunningChangeNothingIsTakenBack) {
  Situation situation = asked_for_ppcie();
  situation.labels[vfio_manager] = paused_value;
  situation.labels[label(ready_state_label)] = "false";
  situation.withdrawn = true;
  situation.nvccd.node = {.default_mode = Mode::on,
                          .node_mode = Mode::ppcie,
                          .requested_mode = Mode::ppcie,
                          .mode_state = ModeState::transitioning,
                          .ready = false};
  situation.nvccd.jobs = {mode_job(JobState::running)};
  Decision decision = decide(situation);
  EXPECT_TRUE(nothing(decision));
  EXPECT_NE(decision.withdrawn, false);

  situation.nvccd.jobs.clear();
  situation.nvccd.node.mode_state = ModeState::ppcie;
  situation.nvccd.node.ready = true;
  decision = decide(situation);
  EXPECT_EQ(decision.labels, (Labels{{label(mode_state_label), "ppcie"},
                                     {label(ready_state_label), "true"},
                                     {vfio_manager, "true"}}));
  EXPECT_EQ(decision.withdrawn, false);
}

TEST(Decision, SomebodyElsesChangePausesNobody) {
  Situation situation = settled();
  situation.labels[vfio_manager] = "true";
  situation.nvccd.node.mode_state = ModeState::transitioning;
  situation.nvccd.node.ready = false;
  situation.nvccd.jobs = {mode_job(JobState::running)};
  EXPECT_EQ(decide(situation).labels, (Labels{{label(ready_state_label), "false"}}));
}

TEST(Decision, AJobIsCancelledForANewerWishUntilTheFirstReset) {
  Situation situation = asked_for_ppcie();
  for (const auto& [phase, cancelled] :
       {std::pair{JobPhase::evict, true}, std::pair{JobPhase::bind, true}, std::pair{JobPhase::stage, true},
        std::pair{JobPhase::reset, false}, std::pair{JobPhase::boot, false},
        std::pair{JobPhase::verify, false}}) {
    situation.nvccd.jobs = {mode_job(JobState::running, phase)};
    const Decision decision = decide(situation);
    EXPECT_EQ(std::holds_alternative<CancelJob>(decision.call), cancelled) << to_string(phase);
    EXPECT_FALSE(std::holds_alternative<SetMode>(decision.call)) << to_string(phase);
  }
}

TEST(Decision, AJobIsCancelledOnce) {
  Situation situation = asked_for_ppcie();
  situation.nvccd.jobs = {mode_job(JobState::running, JobPhase::stage)};
  situation.cancelled_job = 6;
  EXPECT_TRUE(std::holds_alternative<CancelJob>(decide(situation).call)) << "that was another";
  situation.cancelled_job = 7;
  EXPECT_TRUE(nothing(decide(situation))) << "it only needs time to end";
}

TEST(Decision, AJobThatWaitsIsReplacedByTheNextCall) {
  Situation situation = asked_for_ppcie();
  situation.labels[label(ready_state_label)] = "false";
  situation.withdrawn = true;
  situation.nvccd.node.ready = false;
  situation.nvccd.jobs = {mode_job(JobState::waiting)};
  EXPECT_TRUE(std::holds_alternative<SetMode>(decide(situation).call));
}

TEST(Decision, OnlyHeldDevicesOfTheJobAreNamed) {
  Situation situation = asked_for_ppcie();
  situation.withdrawn = true;
  situation.nvccd.node.node_mode = Mode::ppcie;
  situation.nvccd.jobs = {mode_job(JobState::waiting)};
  situation.nvccd.devices = {{.address = "0000:65:00.0", .in_use = true},
                             {.address = "0000:66:00.0", .in_use = true},
                             {.address = "0000:67:00.0", .in_use = false}};
  const Decision decision = decide(situation);
  ASSERT_TRUE(tells(decision, "CCModeWaiting"));
  EXPECT_TRUE(decision.notices.back().message.ends_with("let go of 0000:65:00.0"))
      << decision.notices.back().message;
}

TEST(Decision, ARefusedModeIsNotAskedForAgain) {
  Situation situation = asked_for_ppcie();
  situation.labels[vfio_manager] = paused_value;
  situation.withdrawn = true;
  situation.refusal = Refusal{.change = SetMode{"ppcie"}, .message = "not supported"};
  const Decision decision = decide(situation);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(decision.call));
  EXPECT_EQ(decision.labels, (Labels{{label(mode_state_label), "failed"}, {vfio_manager, "true"}}));
  EXPECT_EQ(decision.withdrawn, false);
  EXPECT_EQ(reasons(decision), std::vector<std::string>{"CCModeRefused"});
}

TEST(Decision, ARefusalOfWhatIsNoLongerAskedForSaysNothing) {
  Situation situation = settled();
  situation.refusal = Refusal{.change = SetMode{"ppcie"}, .message = "not supported"};
  EXPECT_TRUE(nothing(decide(situation)));
}

TEST(Decision, AnEmptyLabelIsNone) {
  Situation situation = settled();
  situation.labels[label(mode_label)] = "";
  EXPECT_TRUE(nothing(decide(situation)));
}

TEST(Decision, WithoutTheLabelOnlyItsOwnModeIsCleared) {
  Situation situation = settled();
  situation.nvccd.node.node_mode = Mode::on;
  EXPECT_TRUE(nothing(decide(situation))) << "set by an administrator";
  situation.label_modes = {"ppcie"};
  EXPECT_TRUE(nothing(decide(situation))) << "set by an administrator after the label had set another";
  EXPECT_TRUE(decide(situation).forget_label_modes);
  situation.label_modes = {"on", "ppcie"};
  EXPECT_EQ(std::get<CheckMode>(decide(situation).call).change, Change(ClearMode{}));
  situation.check = Check{.change = ClearMode{}, .affects = false};
  EXPECT_TRUE(std::holds_alternative<ClearMode>(decide(situation).call));
  EXPECT_FALSE(decide(situation).forget_label_modes);
}

TEST(Decision, AWrongValueTouchesNothingAndIsReported) {
  for (const char* value : {"ON", "onn", "unknown", "failed", "true", "transitioning"}) {
    Situation situation = settled();
    situation.labels[label(mode_label)] = value;
    situation.label_modes = {"on"};
    situation.nvccd.node.node_mode = Mode::on;
    const Decision decision = decide(situation);
    EXPECT_TRUE(std::holds_alternative<std::monostate>(decision.call)) << value;
    EXPECT_EQ(decision.labels, (Labels{{label(mode_state_label), "failed"}})) << value;
    EXPECT_TRUE(tells(decision, "CCModeInvalid")) << value;
  }
}

TEST(Decision, LabelsHaveTodaysValuesAndReadyIsNeverEmpty) {
  const struct {
    const char* mode_state;
    bool ready;
    const char* mode_label_after;
    const char* ready_label_after;
  } rows[] = {
      {"on", true, "on", "true"},
      {"ppcie", true, "ppcie", "true"},
      {"off", false, "off", "false"},
      {"devtools", false, "devtools", "false"},
      {"failed", false, "failed", "false"},
      // As long as nobody knows the new one, the old one stays, and nobody relies on it.
      {"transitioning", false, "before", "false"},
      {"unknown", false, "before", "false"},
      {"of a newer nvccd", false, "before", "false"},
  };
  for (const auto& row : rows) {
    Situation situation = settled();
    situation.labels[label(mode_state_label)] = "before";
    situation.labels[label(ready_state_label)] = "before";
    situation.nvccd.node.mode_state = client::Word<ModeState>(row.mode_state);
    situation.nvccd.node.ready = row.ready;
    apply(situation, decide(situation));
    EXPECT_EQ(situation.labels[label(mode_state_label)], row.mode_label_after);
    EXPECT_EQ(situation.labels[label(ready_state_label)], row.ready_label_after);
  }
}

TEST(Decision, NvccdThatIsGoneForAMomentOnlyTakesReadyAway) {
  Situation situation = settled();
  situation.labels[vfio_manager] = paused_value;
  situation.withdrawn = true;
  situation.presence = Presence::absent;
  const Decision decision = decide(situation);
  EXPECT_EQ(decision.labels, (Labels{{label(ready_state_label), "false"}}));
  EXPECT_EQ(decision.withdrawn, std::nullopt);
}

TEST(Decision, NvccdThatStaysAwayIsAFailureAndOperandsComeBack) {
  Situation situation = settled();
  situation.labels[vfio_manager] = paused_value;
  situation.withdrawn = true;
  situation.presence = Presence::missing;
  const Decision decision = decide(situation);
  EXPECT_EQ(decision.labels, (Labels{{label(mode_state_label), "failed"},
                                     {label(ready_state_label), "false"},
                                     {vfio_manager, "true"}}));
  EXPECT_EQ(decision.withdrawn, false);
  EXPECT_TRUE(tells(decision, "NvccdNotRunning"));
}

// ---- the GPU operator ----

TEST(Decision, WhereTheCcManagerIsDeployedNothingIsWrittenOrDone) {
  for (const char* value : {"true", "paused-for-driver-upgrade", "yes"}) {
    Situation situation = asked_for_ppcie();
    situation.labels[label(cc_manager_label)] = value;
    situation.labels[vfio_manager] = paused_value;
    situation.labels.erase(label(ready_state_label));
    EXPECT_TRUE(nothing(decide(situation))) << value;
    EXPECT_EQ(reasons(decide(situation)), std::vector<std::string>{"CCManagerActive"}) << value;
  }
}

TEST(Decision, ANodeThatIsHandedBackInTheMiddleOfAChangeGetsItsOperandsBackFirst) {
  Situation situation = asked_for_ppcie();
  situation.labels[label(cc_manager_label)] = "true";
  situation.labels[vfio_manager] = paused_value;
  situation.withdrawn = true;
  const Decision decision = decide(situation);
  EXPECT_EQ(decision.labels, (Labels{{vfio_manager, "true"}}));
  EXPECT_NE(decision.withdrawn, false) << "not before they are written";
  apply(situation, decision);
  EXPECT_EQ(decide(situation).withdrawn, false);
  EXPECT_TRUE(nothing(decide(situation)));
}

TEST(Decision, ASecondWriterOfTheLabelsIsReportedAndTheNodeFollowedAllTheSame) {
  Situation situation = asked_for_ppcie();
  situation.check.reset();
  situation.nfd_writes_labels = true;
  const Decision decision = decide(situation);
  EXPECT_TRUE(std::holds_alternative<CheckMode>(decision.call));
  ASSERT_TRUE(tells(decision, "LabelsWrittenTwice"));
  EXPECT_TRUE(decision.notices.front().message.contains("node_features = false"));
}

TEST(Decision, ACcManagerThatStillEndsIsWaitedFor) {
  Situation situation = asked_for_ppcie();
  situation.labels[label(cc_manager_label)] = "false";
  situation.running_apps = {"nvidia-cc-manager"};
  EXPECT_TRUE(nothing(decide(situation)));
  EXPECT_EQ(reasons(decide(situation)), std::vector<std::string>{"CCManagerActive"});
}

TEST(Decision, BeforeThePodsAreKnownNobodyKnowsWhoseNodeItIs) {
  Situation situation = asked_for_ppcie();
  situation.labels[label(cc_manager_label)] = "false";
  situation.pods = PodView::unknown;
  situation.withdrawn = true;
  const Decision decision = decide(situation);
  EXPECT_TRUE(nothing(decision));
  EXPECT_EQ(decision.withdrawn, std::nullopt);
}

TEST(Decision, NoChangeBeginsInTheMiddleOfAnothersButOursGoesOn) {
  Situation situation = asked_for_ppcie();
  situation.labels["nvidia.com/gpu.deploy.driver"] = "paused-for-driver-upgrade";
  EXPECT_TRUE(nothing(decide(situation)));
  EXPECT_TRUE(tells(decide(situation), "CCModePostponed"));
  situation.withdrawn = true;
  situation.labels[label(ready_state_label)] = "false";
  EXPECT_TRUE(std::holds_alternative<SetMode>(decide(situation).call));
}

// Whatever is decided, deciding again on top of it comes to rest: no label flips for ever.
TEST(Decision, EverySituationComesToRest) {
  const char* const modes[] = {nullptr, "", "on", "off", "devtools", "ppcie", "wrong"};
  const char* const states[] = {"on", "off", "ppcie", "devtools", "failed", "unknown", "transitioning"};
  const char* const vfio[] = {nullptr, "true", "false", paused_value, "paused-for-driver-upgrade"};
  for (const char* mode : modes)
    for (const char* state : states)
      for (const char* manager : vfio)
        for (const Presence presence : {Presence::absent, Presence::missing, Presence::present})
          for (const bool withdrawn : {false, true}) {
            Situation situation = settled();
            situation.presence = presence;
            situation.withdrawn = withdrawn;
            situation.nvccd.node.mode_state = client::Word<ModeState>(state);
            if (mode) situation.labels[label(mode_label)] = mode;
            if (manager) situation.labels[vfio_manager] = manager;
            if (mode)
              situation.check = Check{.change = *mode ? Change(SetMode{mode}) : ClearMode{}, .affects = true};
            apply(situation, decide(situation));
            const Decision again = decide(situation);
            EXPECT_TRUE(again.labels.empty()) << (mode ? mode : "-") << ' ' << state;
            EXPECT_EQ(again.withdrawn.value_or(situation.withdrawn), situation.withdrawn);
            EXPECT_NE(situation.labels[label(ready_state_label)], "");
          }
}

}  // namespace
}  // namespace nvccd::agent
