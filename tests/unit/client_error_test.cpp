#include "client/client_error.h"

#include <gtest/gtest.h>

#include "client/absence.h"

namespace nvccd::client {
namespace {

TEST(ExitStatus, IsThatOfTheContract) {
  struct {
    const char* error;
    ExitStatus status;
  } const cases[] = {
      {"org.nvccd1.Error.DeviceBusy", ExitStatus::device_busy},
      {"org.nvccd1.Error.NotSupported", ExitStatus::not_supported},
      {"org.nvccd1.Error.HardwareFailed", ExitStatus::failed},
      {"org.nvccd1.Error.NoSuchDevice", ExitStatus::failed},
      {"org.nvccd1.Error.InvalidMode", ExitStatus::usage},
      {"org.freedesktop.DBus.Error.AccessDenied", ExitStatus::not_authorised},
      {"org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", ExitStatus::not_authorised},
      {"org.freedesktop.DBus.Error.ServiceUnknown", ExitStatus::not_reachable},
      {"org.freedesktop.DBus.Error.NoReply", ExitStatus::not_reachable},
      {"org.freedesktop.DBus.Error.Failed", ExitStatus::failed},
      {"", ExitStatus::failed},
  };
  for (const auto& [error, status] : cases) {
    EXPECT_EQ(exit_status(error), status) << error;
    EXPECT_EQ(bus_error(error, "").status, status) << error;
  }
}

TEST(AbsentDaemon, IsExplainedWithTheNextStep) {
  const struct {
    ServiceState state;
    const char* text;
  } cases[] = {
      {{}, "nvccd is not running: systemctl start nvccd"},
      {{.load = "loaded", .active = "inactive", .sub = "dead", .file = "enabled"},
       "nvccd is not running: systemctl start nvccd"},
      {{.load = "loaded", .active = "inactive", .sub = "dead", .file = "disabled"},
       "nvccd is not running: systemctl enable --now nvccd"},
      {{.load = "loaded", .active = "failed", .sub = "failed", .file = "enabled"},
       "nvccd has failed: journalctl -u nvccd says why, systemctl restart nvccd tries again"},
      {{.load = "loaded", .active = "activating", .sub = "auto-restart", .file = "enabled"},
       "nvccd has failed: journalctl -u nvccd says why, systemctl restart nvccd tries again"},
      {{.load = "loaded", .active = "activating", .sub = "start", .file = "enabled"},
       "nvccd is starting: try again in a moment, or see systemctl status nvccd"},
      {{.load = "masked", .active = "inactive"},
       "nvccd is masked: systemctl unmask nvccd, then systemctl enable --now nvccd"},
      {{.load = "not-found", .active = "inactive"},
       "nvccd is not running, and systemd has no nvccd.service: install nvccd"},
  };
  for (const auto& [state, text] : cases)
    EXPECT_EQ(explain_absence(state), text);
}

}  // namespace
}  // namespace nvccd::client
