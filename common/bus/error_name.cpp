#include "common/bus/error_name.h"

#include <utility>

namespace nvccd::dbus {
namespace {

struct Row {
  ErrorKind kind;
  const char* name;
};

constexpr Row table[] = {
    {ErrorKind::invalid_mode, "org.nvccd1.Error.InvalidMode"},
    {ErrorKind::not_supported, "org.nvccd1.Error.NotSupported"},
    {ErrorKind::no_such_device, "org.nvccd1.Error.NoSuchDevice"},
    {ErrorKind::device_busy, "org.nvccd1.Error.DeviceBusy"},
    {ErrorKind::job_in_progress, "org.nvccd1.Error.JobInProgress"},
    {ErrorKind::cancelled, "org.nvccd1.Error.Cancelled"},
    {ErrorKind::hardware_failed, "org.nvccd1.Error.HardwareFailed"},
    {ErrorKind::invalid_config, "org.nvccd1.Error.InvalidConfig"},
    {ErrorKind::system, "org.freedesktop.DBus.Error.Failed"},
};

}  // namespace

const char* error_name(ErrorKind kind) {
  for (const Row& row : table)
    if (row.kind == kind) return row.name;
  std::unreachable();
}

std::optional<ErrorKind> parse_error_name(std::string_view name) {
  for (const Row& row : table)
    if (name == row.name) return row.kind;
  return std::nullopt;
}

}  // namespace nvccd::dbus
