// What is told of virtual machines, which KVM announces as changes of its device.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "daemon/udev/kvm_monitor.h"
#include "fake_udev.h"

namespace nvccd {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class UdevKvm : public testing::Test {
 protected:
  void SetUp() override {
    sd_event* event = nullptr;
    ASSERT_EQ(sd_event_new(&event), 0);
    loop_.reset(event);
    auto monitor = KvmMonitor::create(event, {.began = [this] { told.emplace_back("began"); },
                                              .ended = [this] { told.emplace_back("ended"); }});
    ASSERT_TRUE(monitor) << monitor.error().message();
    monitor_ = *std::move(monitor);
  }
  // As kvm_uevent_notify_change() in the kernel says it.
  void machine(const char* event) {
    socket.queues["misc"].emplace_back(
        udev_device{"change", "kvm", {{"EVENT", event}, {"CREATED", "7"}, {"COUNT", "1"}, {"PID", "4711"}}});
  }
  void receive() { ASSERT_GT(sd_event_run(loop_.get(), 0), 0); }

  test::UdevSocket socket;
  std::vector<std::string> told;

 private:
  EventPtr loop_;
  std::unique_ptr<KvmMonitor> monitor_;
};

TEST_F(UdevKvm, TellsOfMachinesThatBeginAndEnd) {
  machine("create");
  receive();
  EXPECT_THAT(told, ElementsAre("began"));
  machine("destroy");
  receive();
  EXPECT_THAT(told, ElementsAre("began", "ended"));
}

TEST_F(UdevKvm, TellsOnceOfWhatCameTogether) {
  for (int i = 0; i < 1000; ++i) {
    machine("create");
    machine("destroy");
  }
  receive();
  EXPECT_THAT(told, ElementsAre("began", "ended"));
  receive();
  EXPECT_THAT(told, ElementsAre("began", "ended"));
}

TEST_F(UdevKvm, WhatWasLostMayHaveBeenAnything) {
  socket.queues["misc"].emplace_back(std::unexpected(ENOBUFS));
  receive();
  EXPECT_THAT(told, ElementsAre("began", "ended"));
}

TEST_F(UdevKvm, OtherEventsAreNoMachines) {
  socket.queues["misc"].emplace_back(udev_device{"add", "kvm", {}});
  socket.queues["misc"].emplace_back(udev_device{"change", "kvm", {}});
  socket.queues["misc"].emplace_back(udev_device{"change", "tun", {{"EVENT", "destroy"}}});
  receive();
  EXPECT_THAT(told, IsEmpty());
}

}  // namespace
}  // namespace nvccd
