#include "client/overview.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "client/device_row.h"
#include "client/table.h"
#include "client/words.h"

namespace nvccd::client {
namespace {

struct Field {
  std::string name;
  std::string value;
  Colour colour = Colour::none;
};

// Values that are too long are broken into lines below one another.
std::string render_fields(const std::vector<Field>& fields, const Page& page) {
  std::size_t indent = 0;
  for (const Field& field : fields)
    indent = std::max(indent, field.name.size() + 2);
  std::string text;
  for (const Field& field : fields) {
    text += paint(field.name, Colour::bold, page).append(indent - field.name.size(), ' ');
    text += paint(wrap(printable(field.value), page.width, indent, indent), field.colour, page) + "\n";
  }
  return text;
}

Colour colour_of_mode_state(const Word<ModeState>& state) {
  if (state == ModeState::failed) return Colour::red;
  if (state == ModeState::transitioning || state == ModeState::unknown) return Colour::yellow;
  return Colour::none;
}

std::string or_dash(const std::string& text) {
  return text.empty() ? "-" : text;
}

std::string or_dash(std::int64_t number) {
  return number < 0 ? "-" : std::to_string(number);
}

std::string requested_text(const NodeView& node) {
  if (node.node_mode.text.empty()) return node.requested_mode.text + " (the default)";
  return fmt::format("{} (set on this node; the default is {})", node.requested_mode.text,
                     node.default_mode.text);
}

Field ready_field(const Snapshot& snapshot) {
  if (snapshot.node.ready) return {"Ready", "yes"};
  const std::string reason = why_not_ready(snapshot);
  // A mode that somebody chose is no trouble.
  const bool wanted = snapshot.node.mode_state.text == snapshot.node.requested_mode.text;
  return {"Ready", reason.empty() ? "no" : "no: " + reason, wanted ? Colour::none : Colour::yellow};
}

// The node's error is mostly that of a device, which is told below the table.
bool is_told_elsewhere(const std::string& error, const std::vector<DeviceView>& devices) {
  return std::ranges::any_of(devices, [&](const DeviceView& device) { return device.error == error; });
}

}  // namespace

std::string render_node(const Snapshot& snapshot, const Page& page) {
  const NodeView& node = snapshot.node;
  std::vector<Field> fields{
      {"Mode", node.mode_state.text, colour_of_mode_state(node.mode_state)},
      {"Requested", requested_text(node)},
      ready_field(snapshot),
      {"Host",
       node.host_confidential == HostConfidential::none ? "not confidential" : node.host_confidential.text},
  };
  for (const JobView& job : snapshot.jobs)
    fields.push_back({"Job", job_text(job)});
  if (!node.error.empty() && !is_told_elsewhere(node.error, snapshot.devices))
    fields.push_back({"Error", node.error, Colour::red});
  return render_fields(fields, page);
}

std::string render_devices(const std::vector<DeviceView>& devices, const Page& page) {
  if (devices.empty()) return "There is no NVIDIA GPU or NVSwitch.\n";
  std::vector<Row> rows;
  std::string errors;
  for (const DeviceView& device : devices) {
    Row row = device_row(device);
    row.push_back({or_dash(device.driver)});
    rows.push_back(std::move(row));
    if (!device.error.empty())
      errors += paint(wrap(printable(error_text(device)), page.width, 2, 0), Colour::red, page) + "\n";
  }
  std::vector<Column> columns = device_columns();
  columns.push_back({.heading = "DRIVER", .dispensable = 3});
  return render_table(std::move(columns), std::move(rows), page) + (errors.empty() ? "" : "\n" + errors);
}

std::string render_device(const DeviceView& device, const Page& page) {
  return render_fields(
      {
          {"Address", device.address},
          {"Kind", device.kind.text},
          {"Name", device.name},
          {"PCI ID", fmt::format("{:04x}:{:04x}", device.vendor_id, device.device_id)},
          {"Architecture", device.architecture.text},
          {"Supported modes", or_dash(fmt::format("{}", fmt::join(device.supported_modes, ", ")))},
          {"Driver", or_dash(device.driver)},
          {"IOMMU group", or_dash(device.iommu_group)},
          {"VFIO group", or_dash(device.vfio_group)},
          {"VFIO device", or_dash(device.vfio_device)},
          {"NUMA node", or_dash(device.numa_node)},
          {"Mode", or_dash(device.mode.text), colour_of_mode(device)},
          {"Requested mode", or_dash(device.requested_mode.text)},
          {"State", state_text(device), colour_of_state(device)},
          {"Error", or_dash(device.error), device.error.empty() ? Colour::none : Colour::red},
      },
      page);
}

}  // namespace nvccd::client
