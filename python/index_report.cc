#include "index_report.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <fmt/format.h>

#include "python_value.h"
#include "text.h"

namespace viper::python {
namespace {

namespace nb = nanobind;

nb::dict AccuracyDict(const IndexAccuracy& accuracy) {
  nb::dict told;
  told["measured_at"] = FromTimestamp(accuracy.measured_at);
  told["rows"] = accuracy.rows;
  told["assignment_rows"] = accuracy.assignment_rows;
  told["assignment_agreement"] = accuracy.assignment_agreement;
  told["queries"] = accuracy.queries;
  told["k"] = accuracy.k;
  nb::list recalls;
  for (const RecallMeasurement& recall : accuracy.recalls) {
    nb::dict each;
    each["asked"] = recall.asked;
    each["routed"] = recall.routed;
    each["achieved"] = recall.achieved;
    each["calibration_error"] = recall.calibration_error();
    each["probed_clusters"] = recall.probed_clusters;
    each["scanned_rows"] = recall.scanned_rows;
    recalls.append(each);
  }
  told["recalls"] = recalls;
  return told;
}

nb::dict AuditDict(const RecallAuditReport& audit) {
  nb::dict told;
  told["audited"] = audit.audited;
  told["dropped"] = audit.dropped;
  told["failed"] = audit.failed;
  told["mean_recall"] = audit.mean_recall;
  told["met_share"] = audit.met_share;
  told["is_short"] = audit.is_short;
  nb::list recalls;
  for (const RecallAuditReport::OfRecall& recall : audit.by_recall) {
    nb::dict each;
    each["asked"] = recall.asked;
    each["audited"] = recall.audited;
    each["mean_recall"] = recall.mean_recall;
    each["met_share"] = recall.met_share;
    recalls.append(each);
  }
  told["by_recall"] = recalls;
  return told;
}

}  // namespace

nb::dict ToDict(const ClusterPrediction& prediction) {
  nb::dict told;
  told["cluster"] = ToText(prediction.id.ToString());
  told["number"] = prediction.id.number;
  told["distance"] = prediction.distance;
  told["second_distance"] = prediction.second_distance;
  told["margin"] = prediction.margin;
  return told;
}

nb::dict ToDict(const RelevantCluster& cluster) {
  nb::dict told;
  told["cluster"] = ToText(cluster.id.ToString());
  told["number"] = cluster.id.number;
  told["distance"] = cluster.distance;
  told["probability"] = cluster.probability;
  told["rows"] = cluster.row_count;
  return told;
}

nb::dict ToDict(const IndexReport& report) {
  nb::dict told;
  told["model"] = ToText(fmt::format("{:016x}", report.model));
  told["version"] = report.version;
  told["trained_at"] = FromTimestamp(report.trained_at);
  told["trained_rows"] = report.trained_rows;
  told["sampled_rows"] = report.sampled_rows;
  told["wanted_rows"] = report.wanted_rows;
  told["added_rows"] = report.added_rows;
  told["clusters"] = report.clusters;
  told["cluster_rows_min"] = report.cluster_rows_min;
  told["cluster_rows_mean"] = report.cluster_rows_mean;
  told["cluster_rows_max"] = report.cluster_rows_max;
  told["segments"] = report.segments;
  told["bytes"] = report.bytes;
  told["indexed_rows"] = report.indexed_rows;
  told["table_rows"] = report.table_rows;
  told["distance_growth"] = report.distance_growth;
  told["imbalance_growth"] = report.imbalance_growth;
  told["retrain_reason"] = report.retrain_reason;
  told["accuracy"] = report.accuracy ? nb::object(AccuracyDict(*report.accuracy)) : nb::none();
  told["caution"] = report.caution;
  told["audit"] = AuditDict(report.audit);
  nb::list damaged;
  for (const std::string& file : report.damaged_files) damaged.append(ToText(file));
  told["damaged_files"] = damaged;
  return told;
}

}  // namespace viper::python
