#include "index_report_text.h"

#include <optional>
#include <utility>

#include <fmt/core.h>

#include "number_text.h"
#include "table.h"
#include "terminal.h"

namespace viper::cli {
namespace {

Value Count(uint64_t count) { return static_cast<int64_t>(count); }

Value NumberOrNull(const std::optional<double>& number) {
  return number.has_value() ? Value(*number) : Value();
}

Value AccuracyJson(const IndexAccuracy& accuracy) {
  Value::List recalls;
  for (const RecallMeasurement& recall : accuracy.recalls) {
    recalls.push_back(Value::Object{{"asked", recall.asked},
                                    {"routed", recall.routed},
                                    {"achieved", recall.achieved},
                                    {"calibration_error", recall.calibration_error()},
                                    {"probed_clusters", recall.probed_clusters},
                                    {"scanned_rows", recall.scanned_rows}});
  }
  return Value::Object{{"measured_at", accuracy.measured_at},
                       {"rows", Count(accuracy.rows)},
                       {"assignment_rows", Count(accuracy.assignment_rows)},
                       {"assignment_agreement", accuracy.assignment_agreement},
                       {"queries", Count(accuracy.queries)},
                       {"k", Count(accuracy.k)},
                       {"recalls", std::move(recalls)}};
}

Value AuditJson(const RecallAuditReport& audit) {
  Value::List recalls;
  for (const RecallAuditReport::OfRecall& recall : audit.by_recall) {
    recalls.push_back(Value::Object{{"asked", recall.asked},
                                    {"audited", Count(recall.audited)},
                                    {"mean_recall", recall.mean_recall},
                                    {"met_share", recall.met_share}});
  }
  return Value::Object{{"audited", Count(audit.audited)},
                       {"dropped", Count(audit.dropped)},
                       {"failed", Count(audit.failed)},
                       {"mean_recall", NumberOrNull(audit.mean_recall)},
                       {"met_share", NumberOrNull(audit.met_share)},
                       {"is_short", audit.is_short},
                       {"by_recall", std::move(recalls)}};
}

void AddAccuracy(const IndexReport& report, Table& table) {
  if (!report.accuracy) {
    table.AddRow({"accuracy", "not measured yet"});
    return;
  }
  const IndexAccuracy& accuracy = *report.accuracy;
  table.AddRow({"rows at the nearest centroid",
                fmt::format("{:.1f} % of {}", 100 * accuracy.assignment_agreement,
                            CountText(accuracy.assignment_rows))});
  for (const RecallMeasurement& recall : accuracy.recalls) {
    table.AddRow({fmt::format("recall {}", recall.asked),
                  fmt::format("found {:.4f} ({:+.4f}), {:.4f} in the clusters looked into: {:.1f} "
                              "clusters, {:.0f} rows",
                              recall.achieved, recall.calibration_error(), recall.routed,
                              recall.probed_clusters, recall.scanned_rows)});
  }
  table.AddRow({"measured with", fmt::format("{} queries, k={}, over {} rows", accuracy.queries,
                                             accuracy.k, CountText(accuracy.rows))});
}

}  // namespace

std::string IndexReportJson(const IndexReport& report) {
  Value::Object json = {
      {"model", fmt::format("{:016x}", report.model)},
      {"version", Count(report.version)},
      {"trained_at", report.trained_at},
      {"trained_rows", Count(report.trained_rows)},
      {"sampled_rows", Count(report.sampled_rows)},
      {"wanted_rows", Count(report.wanted_rows)},
      {"added_rows", Count(report.added_rows)},
      {"clusters", Count(report.clusters)},
      {"cluster_rows_min", Count(report.cluster_rows_min)},
      {"cluster_rows_mean", report.cluster_rows_mean},
      {"cluster_rows_max", Count(report.cluster_rows_max)},
      {"segments", Count(report.segments)},
      {"bytes", Count(report.bytes)},
      {"indexed_rows", Count(report.indexed_rows)},
      {"table_rows", Count(report.table_rows)},
      {"distance_growth", report.distance_growth},
      {"imbalance_growth", report.imbalance_growth},
      {"caution", report.caution},
      {"audit", AuditJson(report.audit)},
      {"damaged_files", Value::List(report.damaged_files.begin(), report.damaged_files.end())},
  };
  json["retrain_reason"] = report.retrain_reason ? Value(*report.retrain_reason) : Value();
  json["accuracy"] = report.accuracy ? AccuracyJson(*report.accuracy) : Value();
  return Value(std::move(json)).ToJson();
}

std::string IndexReportTable(const IndexReport& report) {
  Table table(
      {{"index"}, {fmt::format("model {:016x}, version {}", report.model, report.version)}});
  table.AddRow(
      {"trained", fmt::format("{} on {} of {} rows", report.trained_at.ToString(),
                              CountText(report.sampled_rows), CountText(report.trained_rows))});
  if (report.sampled_rows < report.wanted_rows) {
    table.AddRow({"for want of memory not on", CountText(report.wanted_rows) + " rows"});
  }
  table.AddRow(
      {"clusters", fmt::format("{}, of {} to {} rows, {:.1f} on average",
                               CountText(report.clusters), CountText(report.cluster_rows_min),
                               CountText(report.cluster_rows_max), report.cluster_rows_mean)});
  table.AddRow({"files", fmt::format("{} segments, {}", report.segments, BytesText(report.bytes))});
  table.AddRow(
      {"rows indexed", fmt::format("{} of {}, {} since training", CountText(report.indexed_rows),
                                   CountText(report.table_rows), CountText(report.added_rows))});
  table.AddRow({"since training", fmt::format("squared distances x {:.2f}, unevenness x {:.2f}",
                                              report.distance_growth, report.imbalance_growth)});
  if (report.retrain_reason) table.AddRow({"next build trains", *report.retrain_reason});
  AddAccuracy(report, table);
  if (report.caution < 1) {
    table.AddRow(
        {"caution", fmt::format("searches aim at {:.2f} of the misses allowed", report.caution)});
  }
  for (const std::string& file : report.damaged_files) table.AddRow({"damaged", file});
  return table.Render(TerminalWidth());
}

}  // namespace viper::cli
