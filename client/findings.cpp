#include "client/findings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

#include "client/table.h"

namespace nvccd::client {
namespace {

constexpr std::size_t indent = 6;  // the longest result and two blanks

constexpr Colour colour_of(CheckResult result) {
  switch (result) {
    case CheckResult::fail:
      return Colour::red;
    case CheckResult::warn:
      return Colour::yellow;
    case CheckResult::ok:
    case CheckResult::skip:
      break;
  }
  return Colour::none;
}

std::string render_finding(const Finding& finding, const Page& page) {
  const std::string result(to_string(finding.result));
  std::string text = paint(result, colour_of(finding.result), page).append(indent - result.size(), ' ');
  const std::string found = finding.found.empty() ? finding.id : finding.id + ": " + finding.found;
  text += wrap(printable(found), page.width, indent, indent) + "\n";
  if (!finding.advice.empty()) {
    constexpr std::string_view arrow = "-> ";
    constexpr std::size_t below = indent + arrow.size();
    text.append(indent, ' ').append(arrow);
    text += wrap(printable(finding.advice), page.width, below, below) + "\n";
  }
  return text;
}

std::string summary(const Findings& findings, bool all) {
  const auto count = [&](CheckResult result) {
    return std::ranges::count(findings, result, &Finding::result);
  };
  std::vector<std::string> counts;
  if (const auto failed = count(CheckResult::fail)) counts.push_back(fmt::format("{} failed", failed));
  if (const auto warnings = count(CheckResult::warn))
    counts.push_back(fmt::format("{} warning{}", warnings, warnings == 1 ? "" : "s"));
  const auto ok = count(CheckResult::ok);
  const auto skipped = count(CheckResult::skip);
  counts.push_back(fmt::format("{} ok", ok));
  if (skipped > 0) counts.push_back(fmt::format("{} skipped", skipped));
  const bool hidden = !all && ok + skipped > 0;
  return fmt::format("{}{}\n", fmt::join(counts, ", "), hidden ? "; nvccctl check --all lists them" : "");
}

}  // namespace

std::string render_findings(const Findings& findings, bool all, const Page& page) {
  std::string text;
  for (const CheckResult result :
       {CheckResult::fail, CheckResult::warn, CheckResult::skip, CheckResult::ok}) {
    if (!all && (result == CheckResult::skip || result == CheckResult::ok)) continue;
    for (const Finding& finding : findings)
      if (finding.result == result) text += render_finding(finding, page);
  }
  return text + (text.empty() ? "" : "\n") + summary(findings, all);
}

nlohmann::ordered_json findings_json(const Findings& findings) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Finding& finding : findings)
    list.push_back({{"id", finding.id},
                    {"result", to_string(finding.result)},
                    {"found", finding.found},
                    {"advice", finding.advice.empty() ? nlohmann::ordered_json(nullptr)
                                                      : nlohmann::ordered_json(finding.advice)}});
  return list;
}

bool has_failed(const Findings& findings) {
  return std::ranges::find(findings, CheckResult::fail, &Finding::result) != findings.end();
}

}  // namespace nvccd::client
