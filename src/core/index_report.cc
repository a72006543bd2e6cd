#include "core/index_report.h"

#include <algorithm>

#include <fmt/core.h>

#include "core/index_cost.h"

namespace viper::core {
namespace {

void AddClusterSizes(const IndexFiles& files, IndexReport& report) {
  report.clusters = files.model->cluster_count();
  uint64_t rows = 0;
  for (size_t i = 0; i < report.clusters; ++i) {
    uint64_t size = 0;
    for (const auto& open : files.segments) size += open->segment->cluster(i).row_count;
    report.cluster_rows_min = i == 0 ? size : std::min(report.cluster_rows_min, size);
    report.cluster_rows_max = std::max(report.cluster_rows_max, size);
    rows += size;
  }
  report.cluster_rows_mean = static_cast<double>(rows) / static_cast<double>(report.clusters);
}

}  // namespace

uint64_t ActiveClusters(const IndexFiles& files) {
  uint64_t active = 0;
  for (size_t i = 0; i < files.model->cluster_count(); ++i) {
    active += std::any_of(files.segments.begin(), files.segments.end(), [&](const auto& open) {
      return open->segment->cluster(i).row_count > 0;
    });
  }
  return active;
}

uint64_t IndexedRows(const ReadView& view, const ViewIndex& view_index) {
  uint64_t rows = 0;
  for (const PartView& part : view.parts) rows += part.part->row_count();
  for (const SourceRows& other : view_index.others) {
    if (view.is_part(other.source)) rows -= view.source_rows(other.source);
  }
  return rows;
}

Result<IndexReport> ReportIndex(const CollectionContext& context,
                                const std::shared_ptr<const ReadView>& view) {
  const auto files = context.read->index.files();
  if (files == nullptr || files->model == nullptr) {
    return Status::FailedPrecondition(
        fmt::format("collection '{}' has no index: there is nothing to report", context.name));
  }
  const index::ModelRecord& record = files->model->record();
  IndexReport report;
  report.model = files->model->id();
  report.version = record.version;
  report.trained_at.micros = record.trained_at;
  report.trained_rows = record.trained_rows;
  report.sampled_rows = record.sampled_rows;
  report.wanted_rows = record.wanted_rows;
  report.added_rows = record.added_rows;
  AddClusterSizes(*files, report);
  report.segments = files->segments.size();
  report.bytes = files->model->Encode().size();
  for (const auto& open : files->segments) report.bytes += open->segment->file_bytes();
  for (const PartView& part : view->parts) report.table_rows += part.part->row_count();
  if (const auto view_index = context.read->index.For(view)) {
    report.indexed_rows = IndexedRows(*view, *view_index);
  }
  const IndexCost cost = CostOf(files->segments, report.clusters);
  if (cost.rows > 0 && record.trained_squared_distance > 0) {
    report.distance_growth = cost.squared_distance / record.trained_squared_distance;
  }
  if (cost.rows > 0 && record.trained_imbalance > 0) {
    report.imbalance_growth = cost.imbalance / record.trained_imbalance;
  }
  report.retrain_reason = ReasonToTrain(record, cost, report.table_rows);
  report.accuracy = record.accuracy;
  report.caution = record.caution;
  report.audit = context.read->audit.Report();
  report.damaged_files = context.read->index.damaged_files();
  return report;
}

}  // namespace viper::core
