// A private bus with nvccd's objects on it and a fake manager behind them.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "common/bus/names.h"
#include "daemon/bus/bus_service.h"
#include "fake_manager.h"
#include "private_bus.h"

namespace nvccd::test {

// The GPU that most stories are about.
inline constexpr const char* gpu = "0000:65:00.0";
inline constexpr const char* gpu_path = "/org/nvccd1/device/0000_65_00_0";

// A user without rights.
inline constexpr uid_t nobody = 65534;

class BusTest : public testing::Test {
 protected:
  // Starts nvccd's side. What the manager has by then is there without a signal.
  void serve() {
    auto created = BusService::create(event.get(), bus.address(), manager,
                                      [this](std::function<void(Findings)> done) { check(std::move(done)); });
    ASSERT_TRUE(created) << created.error().message();
    service = std::move(*created);
  }

  // What the daemon does for Check.
  dbus::CheckFunction check = [](const std::function<void(Findings)>& done) { done({}); };

  EventPtr event = new_event_loop();
  PrivateBus bus;
  FakeManager manager;
  std::unique_ptr<BusService> service;
};

}  // namespace nvccd::test
