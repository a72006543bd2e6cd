#include "viper/verify.h"

#include <algorithm>
#include <utility>

namespace viper {
namespace {

Value CountValue(uint64_t count) { return static_cast<int64_t>(count); }

Value FindingList(const std::vector<VerifyFinding>& findings) {
  Value::List list;
  for (const VerifyFinding& finding : findings) list.push_back(ToValue(finding));
  return list;
}

}  // namespace

std::string_view FindingKindName(FindingKind kind) {
  switch (kind) {
    case FindingKind::kNote:
      return "note";
    case FindingKind::kLeftover:
      return "leftover";
    case FindingKind::kDerivedDamage:
      return "derived";
    case FindingKind::kTruthDamage:
      return "truth";
  }
  return "unknown";
}

bool RepairReport::is_sound() const {
  if (after) return after->is_sound();
  return std::all_of(steps.begin(), steps.end(), [](const RepairStep& step) {
    return step.is_done || !step.finding.is_damage();
  });
}

Value ToValue(const VerifyFinding& finding) {
  return Value::Object{
      {"kind", FindingKindName(finding.kind)}, {"file", finding.file},
      {"other_file", finding.other_file},      {"problem", finding.problem},
      {"affected", finding.affected},          {"is_repairable", finding.is_repairable},
      {"bytes", CountValue(finding.bytes)}};
}

Value ToValue(const VerifyReport& report) {
  return Value::Object{{"collection", report.collection},
                       {"table_version", report.table_version},
                       {"is_sound", report.is_sound()},
                       {"findings", FindingList(report.findings)},
                       {"findings_left_out", CountValue(report.findings_left_out)},
                       {"files", CountValue(report.files)},
                       {"bytes", CountValue(report.bytes)},
                       {"table_versions", CountValue(report.table_versions)},
                       {"parts", CountValue(report.parts)},
                       {"rows", CountValue(report.rows)},
                       {"log_records", CountValue(report.log_records)},
                       {"index_segments", CountValue(report.index_segments)},
                       {"seconds", report.seconds}};
}

Value ToValue(const RepairReport& report) {
  Value::List steps;
  for (const RepairStep& step : report.steps) {
    steps.push_back(Value::Object{
        {"finding", ToValue(step.finding)}, {"action", step.action}, {"is_done", step.is_done}});
  }
  return Value::Object{{"dry_run", report.dry_run},
                       {"is_sound", report.is_sound()},
                       {"before", ToValue(report.before)},
                       {"steps", std::move(steps)},
                       {"after", report.after ? ToValue(*report.after) : Value()}};
}

}  // namespace viper
