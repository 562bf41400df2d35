#include "profile.h"

namespace emulator {
namespace {

constexpr std::uint32_t kClass3d = 0x030200;
constexpr std::uint32_t kClassBridgeOther = 0x068000;
constexpr std::uint32_t kRecoveryFlag = 1U << 30U;
constexpr std::uint64_t kMiB = 1U << 20U;

constexpr Profile kGh100{.model = Model::gh100,
                         .device_id = 0x2330,
                         .subsystem_id = 0x16C1,
                         .class_code = kClass3d,
                         .chip_id = 0x180000A1,
                         .bar0_size = 16 * kMiB,
                         .has_ppcie = true,
                         .boot_register = 0x200BC,
                         .mode_register = 0x1182CC,
                         .recovery_register = 0x20120,
                         .recovery_value = kRecoveryFlag,
                         .flr_scratch = 0x1458,
                         .bus_scratch = 0x91288,
                         .fault_word_config = 0x2B4};

constexpr Profile kLs10{.model = Model::ls10,
                        .device_id = 0x22A3,
                        .subsystem_id = 0x1796,
                        .class_code = kClassBridgeOther,
                        .chip_id = 0x007000A1,
                        .bar0_size = 32 * kMiB,
                        .has_bar1 = false,
                        .has_cc = false,
                        .has_ppcie = true,
                        .boot_register = 0x660BC,
                        .mode_register = 0x28C50,
                        .recovery_register = 0x66120,
                        .recovery_value = kRecoveryFlag,
                        .flr_scratch = 0xDFE0,
                        .bus_scratch = 0x91288};

constexpr Profile blackwell(Model model, std::uint16_t device_id, std::uint16_t subsystem_id,
                            std::uint32_t chip_id, std::uint32_t boot_register) {
  return {.model = model,
          .device_id = device_id,
          .subsystem_id = subsystem_id,
          .class_code = kClass3d,
          .chip_id = chip_id,
          .bar0_size = 16 * kMiB,
          .mailbox = MailboxKind::mnoc,
          .is_blackwell = true,
          .boot_register = boot_register,
          .mode_register = 0x590,
          .recovery_register = 0x8AA128,
          .recovery_value = 2,
          .fault_word_config = kFirewallDvsec + 0x14};
}

constexpr Profile kGb100 = blackwell(Model::gb100, 0x2901, 0x1999, 0x1A0000A1, 0x200BC);
constexpr Profile kGb102 = blackwell(Model::gb102, 0x29BC, 0x1985, 0x1A2000A1, 0x200BC);
constexpr Profile kGb202 = blackwell(Model::gb202, 0x2BB5, 0x204E, 0x1B2000A1, 0xAD00BC);

}  // namespace

const Profile& profile_of(Model model) {
  switch (model) {
    case Model::gh100:
      return kGh100;
    case Model::gb100:
      return kGb100;
    case Model::gb102:
      return kGb102;
    case Model::gb202:
      return kGb202;
    case Model::ls10:
      return kLs10;
  }
  return kGh100;
}

}  // namespace emulator
