#include "finding_text.h"

#include <fmt/core.h>

#include "number_text.h"
#include "terminal.h"

namespace viper::cli {
namespace {

/// "2 damaged" and the like, for what there is.
std::string CountsText(const VerifyReport& report) {
  const uint64_t truth = report.CountOf(FindingKind::kTruthDamage);
  const uint64_t derived = report.CountOf(FindingKind::kDerivedDamage);
  const uint64_t leftovers = report.CountOf(FindingKind::kLeftover);
  const uint64_t notes = report.CountOf(FindingKind::kNote);
  return fmt::format("{} of records, {} of derived files, {} leftovers, {} notes", truth, derived,
                     leftovers, notes);
}

}  // namespace

std::string FindingText(const VerifyFinding& finding) {
  std::string text =
      fmt::format("{:<9} {}", FindingKindName(finding.kind), Printable(finding.file));
  if (!finding.other_file.empty()) text += fmt::format(" (and {})", Printable(finding.other_file));
  if (finding.bytes > 0) text += fmt::format(", {}", BytesText(finding.bytes));
  text += fmt::format("\n          {}\n", Printable(finding.problem));
  if (!finding.affected.empty()) {
    text += fmt::format("          affected: {}\n", Printable(finding.affected));
  }
  return text;
}

std::string VerifySummaryText(const VerifyReport& report) {
  std::string text = fmt::format(
      "checked {} files, {} in {}: table version {}, {} rows in {} parts, {} log records, {} index "
      "segments\n",
      CountText(report.files), BytesText(report.bytes), SecondsText(report.seconds),
      report.table_version, CountText(report.rows), report.parts, CountText(report.log_records),
      report.index_segments);
  if (report.findings_left_out > 0) {
    text += fmt::format("{} more findings were left out\n", CountText(report.findings_left_out));
  }
  text += report.is_sound() ? "nothing is damaged" : "damage found";
  if (!report.findings.empty()) text += ": " + CountsText(report);
  return text + "\n";
}

}  // namespace viper::cli
