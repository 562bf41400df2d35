// A device as a row of a table: in the overview and in the progress of a change alike.
#pragma once

#include "client/table.h"
#include "common/bus/views.h"

namespace nvccd::client {

std::vector<Column> device_columns();  // ADDRESS, KIND, NAME, MODE, STATE
Row device_row(const DeviceView& device);

// A device that is not in the mode it should be in is what people look for.
Colour colour_of_mode(const DeviceView& device);
Colour colour_of_state(const DeviceView& device);

}  // namespace nvccd::client
