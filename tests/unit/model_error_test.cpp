#include <gtest/gtest.h>

#include <cerrno>

#include "common/model/error.h"

namespace nvccd {
namespace {

TEST(ErrorMessage, SaysDeviceStepCauseAndAdviceInThisOrder) {
  const Error error{.cause = "the firmware does not reply",
                    .advice = "reset the device",
                    .step = "stage",
                    .device = PciAddress{0, 0x65, 0, 0}};
  EXPECT_EQ(error.message(), "0000:65:00.0: stage: the firmware does not reply; reset the device");
}

TEST(ErrorMessage, LeavesOutWhatIsNotKnown) {
  EXPECT_EQ(Error{.cause = "no such thing"}.message(), "no such thing");
  EXPECT_EQ((Error{.cause = "no such thing", .step = "boot"}).message(), "boot: no such thing");
}

TEST(ErrorOnDevice, NamesTheDeviceUnlessOneIsNamedAlready) {
  const PciAddress first{0, 1, 0, 0};
  const PciAddress second{0, 2, 0, 0};
  const Error said_of_first = on_device(Error{.cause = "broken"}, first);
  EXPECT_EQ(said_of_first.device, first);
  EXPECT_EQ(on_device(said_of_first, second).device, first);
}

TEST(SystemError, GivesTheKernelsReason) {
  const Error error = system_error("cannot open /dev/vfio/65", EACCES);
  EXPECT_EQ(error.kind, ErrorKind::system);
  EXPECT_EQ(error.message(), "cannot open /dev/vfio/65: Permission denied");
  EXPECT_FALSE(error.transient);
}

}  // namespace
}  // namespace nvccd
