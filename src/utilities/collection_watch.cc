#include "utilities/collection_watch.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "base/status_macros.h"

namespace viper::utilities {
namespace {

constexpr double kRecallOfModel = 0.95;

/// Clusters that a search looks into for about that recall, as the build of the index measured.
double ProbesOf(const Collection& collection, double recall) {
  const auto index = collection.ReportIndex();
  if (!index.ok() || !index->accuracy || index->accuracy->recalls.empty()) return 1;
  const auto& recalls = index->accuracy->recalls;
  const auto nearest = std::min_element(
      recalls.begin(), recalls.end(), [&](const RecallMeasurement& a, const RecallMeasurement& b) {
        return std::abs(a.asked - recall) < std::abs(b.asked - recall);
      });
  return std::max(1.0, nearest->probed_clusters);
}

}  // namespace

CollectionResources ResourcesOf(const Collection& collection) {
  const CollectionStatistics statistics = collection.Statistics();
  CollectionResources resources;
  resources.collection = collection.name();
  resources.table_bytes = statistics.part_bytes;
  resources.log_bytes = statistics.wal_bytes;
  resources.index_bytes = statistics.index_bytes + statistics.index_segment_bytes;
  resources.memory_bytes = statistics.memory_bytes;
  resources.rows_to_flush = statistics.memory_rows;
  if (const auto index = collection.ReportIndex(); index.ok()) {
    resources.rows_to_index = index->table_rows - std::min(index->table_rows, index->indexed_rows);
  }
  return resources;
}

std::optional<double> ModelObserver::LatencySince(const CollectionOperations& operations) {
  for (const OperationSummary& summary : operations.operations) {
    if (summary.name != "search") continue;
    Seen& seen = seen_[operations.epoch];
    const uint64_t searches = summary.count - std::min(summary.count, seen.searches);
    const uint64_t nanoseconds =
        summary.total_nanoseconds - std::min(summary.total_nanoseconds, seen.nanoseconds);
    seen = {summary.count, summary.total_nanoseconds};
    if (searches == 0) return std::nullopt;
    return static_cast<double>(nanoseconds) / static_cast<double>(searches) / 1e6;
  }
  return std::nullopt;
}

Status ModelObserver::ForgetDropped() {
  VIPER_ASSIGN_OR_RETURN(const std::vector<std::string> names, engine_.ListCollections());
  std::set<std::string> kept(names.begin(), names.end());
  for (const auto& collection : engine_.OpenCollections()) {
    const uint64_t epoch = collection->Operations().epoch;
    const auto [known, is_new] = epochs_.try_emplace(collection->name(), epoch);
    if (is_new || known->second == epoch) continue;
    kept.erase(collection->name());
    known->second = epoch;
  }
  return history_.Retain([&](const std::string& name) { return kept.contains(name); });
}

Status ModelObserver::Observe() {
  MutexLock lock(mutex_);
  Status status = ForgetDropped();
  for (const auto& collection : engine_.OpenCollections()) {
    const CollectionStatistics statistics = collection->Statistics();
    if (statistics.part_bytes == 0 || !statistics.live_rows) continue;
    const CollectionOperations operations = collection->Operations();
    PerformancePoint point;
    point.at = engine_.options().clock->Now();
    point.rows = static_cast<double>(*statistics.live_rows -
                                     std::min(*statistics.live_rows, statistics.memory_rows));
    point.bytes = static_cast<double>(statistics.part_bytes);
    point.probes = ProbesOf(*collection, operations.searches.mean_recall.value_or(kRecallOfModel));
    point.latency_ms = LatencySince(operations);
    const Status added = history_.Add(collection->name(), point);
    if (status.ok()) status = added;
  }
  return status;
}

}  // namespace viper::utilities
