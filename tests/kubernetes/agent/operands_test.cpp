// Labels of operands: how they are paused, and that restoring gives back exactly what was there.
#include "kubernetes/node-agent/operands.h"

#include <gtest/gtest.h>

namespace nvccd::agent {
namespace {

constexpr auto vfio_manager = "nvidia.com/gpu.deploy.vfio-manager";

TEST(Operands, AreWrittenAsTheCcManagerWritesThem) {
  EXPECT_EQ(paused("true"), "paused-for-cc-mode-change");
  EXPECT_EQ(paused("false"), "false");
  EXPECT_EQ(paused(""), "");
  EXPECT_EQ(paused("mine"), "mine_paused-for-cc-mode-change");
  EXPECT_EQ(paused("paused-for-cc-mode-change"), "paused-for-cc-mode-change");
  EXPECT_EQ(paused("mine_paused-for-cc-mode-change"), "mine_paused-for-cc-mode-change");
}

TEST(Operands, EveryValueComesBack) {
  for (const std::string& value :
       {std::string(""), std::string("true"), std::string("false"), std::string("mine"), std::string("a_b"),
        std::string(36, 'x'), std::string(37, 'x'), std::string(63, 'x')}) {
    EXPECT_EQ(restored(paused(value)), value);
    EXPECT_EQ(restored(value), value);
    EXPECT_LE(paused(value).size(), 63U) << "no label can be longer";
  }
}

TEST(Operands, OnlyThoseThatHaveToMakeWayArePaused) {
  const Labels node{{vfio_manager, "true"},
                    {"nvidia.com/gpu.deploy.sandbox-validator", "false"},
                    {"nvidia.com/gpu.deploy.kata-sandbox-device-plugin", "true"},
                    {"nvidia.com/gpu.deploy.cc-manager", "true"},
                    {"something", "true"}};
  EXPECT_EQ(to_pause(node), (Labels{{vfio_manager, "paused-for-cc-mode-change"}}));
  EXPECT_TRUE(to_restore(node).empty());
}

TEST(Operands, AnotherChangeOfTheNodeIsSeenOnEveryDeployLabel) {
  EXPECT_EQ(paused_by_others({{vfio_manager, "paused-for-cc-mode-change"}}), "");
  EXPECT_EQ(paused_by_others({{"nvidia.com/gpu.deploy.driver", "true_paused-for-driver-upgrade"}}),
            "nvidia.com/gpu.deploy.driver");
  EXPECT_EQ(paused_by_others({{"other/gpu.deploy.driver", "paused-for-driver-upgrade"}}), "");
}

TEST(Operands, OnlyPausedOnesAreWaitedFor) {
  EXPECT_EQ(still_running({{vfio_manager, "paused-for-cc-mode-change"}},
                          {"nvidia-vfio-manager", "nvidia-sandbox-validator", "nvidia-dcgm"}),
            std::set<std::string>{"nvidia-vfio-manager"});
}

TEST(Operands, TheOperatorIsKnownByItsLabels) {
  EXPECT_FALSE(has_gpu_operator({}));
  EXPECT_FALSE(has_gpu_operator({{"nvidia.com/cc.mode", "on"}, {"nvidia.com/gpu.present", "true"}}));
  EXPECT_TRUE(has_gpu_operator({{vfio_manager, "false"}}));
}

}  // namespace
}  // namespace nvccd::agent
