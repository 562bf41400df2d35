// The D-Bus name of every kind of error.
#pragma once

#include "common/model/enum_table.h"
#include "common/model/error.h"

namespace nvccd {

template <>
inline constexpr EnumRow<ErrorKind> enum_table<ErrorKind>[] = {
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

}  // namespace nvccd

namespace nvccd::dbus {

constexpr const char* error_name(ErrorKind kind) {
  return to_string(kind).data();
}

}  // namespace nvccd::dbus
