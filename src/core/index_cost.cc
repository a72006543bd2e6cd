#include "core/index_cost.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/core.h>

namespace viper::core {
namespace {

constexpr uint64_t kGrowthMax = 3;
/// Fewer new rows than this part of all never lead to a new model.
constexpr uint64_t kAddedPartMin = 20;
constexpr double kDistanceGrowthMax = 1.06;
constexpr double kImbalanceGrowthMax = 2;
constexpr double kScanGrowthMax = 1.5;
constexpr double kComparedRecall = 0.95;

/// `now` / `then`; 1 where there is nothing to compare with.
double Growth(double now, double then) { return now > 0 && then > 0 ? now / then : 1; }

}  // namespace

IndexCost CostOf(std::span<const std::shared_ptr<const OpenSegment>> segments,
                 size_t cluster_count) {
  IndexCost cost;
  std::vector<double> sizes(cluster_count);
  for (const auto& open : segments) {
    const index::Segment& segment = *open->segment;
    cost.rows += segment.row_count();
    cost.squared_distance +=
        segment.mean_squared_distance() * static_cast<double>(segment.row_count());
    for (size_t i = 0; i < cluster_count; ++i) {
      sizes[i] += static_cast<double>(segment.cluster(i).row_count);
    }
  }
  if (cost.rows == 0) return cost;
  cost.squared_distance /= static_cast<double>(cost.rows);
  double sum = 0;
  double squares = 0;
  for (const double size : sizes) {
    sum += size;
    squares += size * size;
  }
  if (sum > 0) cost.imbalance = static_cast<double>(cluster_count) * squares / (sum * sum);
  return cost;
}

double ScannedRowsOf(const std::optional<IndexAccuracy>& accuracy) {
  if (!accuracy) return 0;
  const auto found =
      std::find_if(accuracy->recalls.begin(), accuracy->recalls.end(),
                   [](const RecallMeasurement& recall) { return recall.asked == kComparedRecall; });
  return found == accuracy->recalls.end() ? 0 : found->scanned_rows;
}

std::optional<std::string> ReasonToTrain(const index::ModelRecord& record, const IndexCost& cost,
                                         uint64_t rows) {
  if (rows > kGrowthMax * record.trained_rows) {
    return fmt::format("there are {} rows, and were {} when the model was trained", rows,
                       record.trained_rows);
  }
  if (record.added_rows * kAddedPartMin < rows) return std::nullopt;
  const double farther = Growth(cost.squared_distance, record.trained_squared_distance);
  if (farther > kDistanceGrowthMax) {
    return fmt::format("rows lie {:.2f} times as far from their centroids, in the square", farther);
  }
  const double uneven = Growth(cost.imbalance, record.trained_imbalance);
  if (uneven > kImbalanceGrowthMax) {
    return fmt::format("clusters are {:.2f} times as uneven", uneven);
  }
  const double rows_growth =
      Growth(static_cast<double>(rows), static_cast<double>(record.trained_rows));
  const double scanned = Growth(ScannedRowsOf(record.accuracy), record.trained_scanned_rows) /
                         std::max(1.0, std::sqrt(rows_growth));
  if (scanned > kScanGrowthMax) {
    return fmt::format("a query scans {:.2f} times the rows that it would under a new model",
                       scanned);
  }
  return std::nullopt;
}

}  // namespace viper::core
