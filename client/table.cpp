#include "client/table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

namespace nvccd::client {
namespace {

enum class Colour { none, bold, dim, red, green, yellow };

constexpr const char* escape(Colour colour) {
  switch (colour) {
    case Colour::bold:
      return "\033[1m";
    case Colour::dim:
      return "\033[2m";
    case Colour::red:
      return "\033[31m";
    case Colour::green:
      return "\033[32m";
    case Colour::yellow:
      return "\033[33m";
    case Colour::none:
      break;
  }
  return "";
}

struct Cell {
  std::string text;
  Colour colour = Colour::none;
};
using Row = std::vector<Cell>;

std::string paint(const Cell& cell, bool colour) {
  if (!colour || cell.colour == Colour::none) return cell.text;
  return escape(cell.colour) + cell.text + "\033[0m";
}

// Columns as wide as their widest cell, two blanks between them, none at the ends of lines.
std::string render(const std::vector<Row>& rows, bool colour) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], row[i].text.size());
  }
  std::string text;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += paint(row[i], colour);
      if (i + 1 < row.size()) text.append(widths[i] - row[i].text.size() + 2, ' ');
    }
    text += '\n';
  }
  return text;
}

Colour colour_of(std::string_view state) {
  if (state == "ready") return Colour::green;
  if (state == "failed") return Colour::red;
  if (state == "unmanaged") return Colour::dim;
  return Colour::yellow;
}

Colour colour_of_mode_state(std::string_view state) {
  if (state == "failed") return Colour::red;
  if (state == "transitioning" || state == "unknown") return Colour::yellow;
  return Colour::none;
}

std::string or_dash(const std::string& text) {
  return text.empty() ? "-" : text;
}

std::string or_dash(std::int64_t number) {
  return number < 0 ? "-" : std::to_string(number);
}

Cell state_cell(const DeviceView& device) {
  return {device.in_use ? device.state + " (in use)" : device.state, colour_of(device.state)};
}

// A device that is not in the mode it should be in is what people look for.
Cell mode_cell(const DeviceView& device) {
  const bool differs = !device.requested_mode.empty() && device.mode != device.requested_mode;
  return {or_dash(device.mode), differs ? Colour::yellow : Colour::none};
}

std::string requested_text(const NodeView& node) {
  if (node.node_mode.empty()) return node.requested_mode + " (the default)";
  return fmt::format("{} (set on this node; the default is {})", node.requested_mode, node.default_mode);
}

}  // namespace

std::string count_devices(std::size_t count) {
  return fmt::format("{} device{}", count, count == 1 ? "" : "s");
}

std::string render_job(const JobView& job) {
  const std::string doing = job.state == "running" ? job.phase : job.state;
  return fmt::format("{}: {}, {:.0f} %, {}", job.title(), doing, job.progress * 100,
                     count_devices(job.devices.size()));
}

std::string render_node(const NodeView& node, const std::vector<JobView>& jobs, bool colour) {
  std::vector<Row> rows{
      {{"Mode", Colour::bold}, {node.mode_state, colour_of_mode_state(node.mode_state)}},
      {{"Requested", Colour::bold}, {requested_text(node)}},
      {{"Ready", Colour::bold}, {node.ready ? "yes" : "no", node.ready ? Colour::green : Colour::yellow}},
      {{"Host", Colour::bold},
       {node.host_confidential == "none" ? "not confidential" : node.host_confidential}},
  };
  for (const JobView& job : jobs)
    rows.push_back({{"Job", Colour::bold}, {render_job(job)}});
  if (!node.error.empty()) rows.push_back({{"Error", Colour::bold}, {node.error, Colour::red}});
  return render(rows, colour);
}

std::string render_devices(const std::vector<DeviceView>& devices, bool colour) {
  if (devices.empty()) return "There is no NVIDIA GPU or NVSwitch.\n";
  std::vector<Row> rows(1);
  for (const char* heading : {"ADDRESS", "KIND", "NAME", "MODE", "REQUESTED", "STATE", "DRIVER"})
    rows[0].push_back({heading, Colour::bold});
  std::string errors;
  for (const DeviceView& device : devices) {
    rows.push_back({{device.address},
                    {device.kind},
                    {device.name},
                    mode_cell(device),
                    {or_dash(device.requested_mode)},
                    state_cell(device),
                    {or_dash(device.driver)}});
    if (device.error.empty()) continue;
    // Errors of the daemon usually name the device themselves.
    const bool named = device.error.starts_with(device.address);
    errors +=
        paint({named ? device.error : device.address + ": " + device.error, Colour::red}, colour) + "\n";
  }
  return render(rows, colour) + (errors.empty() ? "" : "\n" + errors);
}

std::string render_device(const DeviceView& device, bool colour) {
  const std::vector<std::pair<const char*, Cell>> lines{
      {"Address", {device.address}},
      {"Kind", {device.kind}},
      {"Name", {device.name}},
      {"PCI ID", {fmt::format("{:04x}:{:04x}", device.vendor_id, device.device_id)}},
      {"Architecture", {device.architecture}},
      {"Supported modes", {or_dash(fmt::format("{}", fmt::join(device.supported_modes, ", ")))}},
      {"Driver", {or_dash(device.driver)}},
      {"IOMMU group", {or_dash(device.iommu_group)}},
      {"VFIO group", {or_dash(device.vfio_group)}},
      {"VFIO device", {or_dash(device.vfio_device)}},
      {"NUMA node", {or_dash(device.numa_node)}},
      {"Mode", mode_cell(device)},
      {"Requested mode", {or_dash(device.requested_mode)}},
      {"State", state_cell(device)},
      {"Error", {or_dash(device.error), device.error.empty() ? Colour::none : Colour::red}},
  };
  std::vector<Row> rows;
  rows.reserve(lines.size());
  for (const auto& [name, value] : lines)
    rows.push_back({{name, Colour::bold}, value});
  return render(rows, colour);
}

}  // namespace nvccd::client
