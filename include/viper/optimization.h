#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "viper/compression_advice.h"
#include "viper/export.h"
#include "viper/maintenance.h"
#include "viper/operation_summary.h"
#include "viper/schema_report.h"
#include "viper/value.h"

namespace viper {

/// What a recommendation is about.
enum class RecommendationType : uint8_t {
  kCompression = 0,
  kClusterCount = 1,
  kSchema = 2,
  kPartitioning = 3,
  kCompaction = 4,
};

/// Return "compression", "cluster_count", "schema", "partitioning" or "compaction".
VIPER_EXPORT std::string_view RecommendationTypeName(RecommendationType type);

/// What became of a recommendation.
enum class RecommendationState : uint8_t { kOpen = 0, kApplied = 1, kFailed = 2 };

/// Return "open", "applied" or "failed".
VIPER_EXPORT std::string_view RecommendationStateName(RecommendationState state);

/// What could be done about a field or key.
enum class FieldAction : uint8_t {
  /// Declare it (Collection::AddFields).
  kPromote = 0,
  /// Nobody filters by it, and few records have it: it need not be declared in the next table.
  kDemote = 1,
  /// Give it a wider type (Collection::WidenField).
  kWiden = 2,
};

/// Return "promote", "demote" or "widen".
VIPER_EXPORT std::string_view FieldActionName(FieldAction action);

/// Something that is worth doing.
struct Recommendation {
  /// Counted from 1 by the utilities that gave it.
  uint64_t id = 0;
  RecommendationType type = RecommendationType::kCompaction;
  std::string collection = {};
  Timestamp made_at = {};
  /// What to do, and what was seen that speaks for it.
  std::string action = {};
  std::string evidence = {};
  /// The number that it changes, such as "bytes of the table's files": as it is, and as it is
  /// expected to be (absent if nobody can tell). Less is better.
  std::string measure = {};
  double current = 0;
  std::optional<double> expected = {};
  /// 0 to 1: how sure that is. 1 where it was counted, less where it comes from a sample.
  double confidence = 0;
  /// Utilities::Apply does it. Otherwise `action` says who has to.
  bool can_be_applied = false;
  /// For Apply, which does this and nothing that was found since: the key or field that it is
  /// about, what to do with it, and as which type (kSchema).
  std::string subject = {};
  std::optional<FieldAction> field_action = {};
  std::optional<FieldType> field_type = {};
  /// How to write the files, and the ratio to expect of it (kCompression).
  std::optional<StorageWay> storage_way = {};
  std::optional<double> expected_ratio = {};
  /// CollectionOperations::epoch: a later collection of the same name is another one.
  uint64_t collection_epoch = 0;

  RecommendationState state = RecommendationState::kOpen;
  /// The number, as it was measured afterwards.
  std::optional<double> outcome = {};
  std::optional<std::string> error = {};
};

/// A number of clusters, as it does in a sample.
struct ClusterCountTrial {
  uint64_t clusters = 0;
  /// Clusters that a search has to look into for the wanted recall, on average over the queries,
  /// and the share of all rows in them.
  double probes = 0;
  double scanned_share = 0;
  /// Vectors that a search compares with, in a collection of this size: centroids, and rows of
  /// those clusters.
  double cost = 0;
};

/// How many clusters serve the collection best: tried with a sample of its rows, some of them as
/// queries, against the truth within the sample.
struct ClusterCountAdvice {
  uint64_t rows = 0;
  uint64_t sample_rows = 0;
  uint64_t queries = 0;
  double recall = 0;
  /// Of the index; absent without one.
  std::optional<uint64_t> current_clusters = {};
  /// `cost` with the number that the index has; absent if the sample is too small to try it.
  std::optional<double> current_cost = {};
  /// The trial of the least cost; absent if there are too few rows for any, or for comparing it
  /// with the number that the index has.
  std::optional<uint64_t> recommended_clusters = {};
  std::optional<double> recommended_cost = {};
  /// Why nothing is recommended, though there is an index; else empty.
  std::string reason = {};
  /// Rising in the number of clusters.
  std::vector<ClusterCountTrial> trials = {};
};

struct FieldAdvice {
  FieldAction action = FieldAction::kPromote;
  Field field = {};
  /// How often filters named it, and the share of the records that have it.
  uint64_t filters = 0;
  double fill_share = 0;
  /// Of its values, as JSON, that each filter on it has to parse; 0 for declared fields.
  uint64_t json_bytes = 0;
  std::string reason = {};
};

/// What is the case with the fields: one advice for each at most, by the filters that were asked
/// and the values that are there.
struct SchemaAdvice {
  uint64_t rows_read = 0;
  uint64_t filtered_searches = 0;
  std::vector<FieldAdvice> fields = {};
};

/// A part of the data, and what it holds.
struct PartitionLoad {
  std::string name = {};
  uint64_t rows = 0;
};

/// Which partitions to split and which to join.
struct PartitionAdvice {
  uint64_t partitions = 0;
  uint64_t rows_largest = 0;
  double rows_mean = 0;
  /// Of the sizes (Gini 1912): 0 = all alike, towards 1 = one has all.
  double gini = 0;
  /// The same once `split` are split into even parts of about the mean, and `merge` are joined up
  /// to it; absent if both are empty.
  std::optional<double> gini_afterwards = {};
  /// Names of those that are larger than four times the mean, and of those below an eighth of it
  /// where they are a quarter of all or more.
  std::vector<std::string> split = {};
  std::vector<std::string> merge = {};
  /// Half of the filters or more go by `_timestamp`, or `_ingested_at`.
  bool switch_to_time = false;
  std::string reason = {};
};

/// Advise on partitions of these sizes, with that traffic.
VIPER_EXPORT PartitionAdvice AdvisePartitions(std::span<const PartitionLoad> partitions,
                                              const CollectionOperations& traffic);

/// What a compaction would do.
struct CompactionAdvice {
  CompactionReport planned = {};
  uint64_t bytes_given_back = 0;
  uint64_t files_fewer = 0;
};

struct OptimizeOptions {
  /// Only advise. Otherwise what can be applied is.
  bool dry_run = true;
  /// Rows that clusters and fields are looked at by. 1,000 to 1,000,000. Clusters by more than that
  /// where the index has so many of them that fewer rows would not tell, up to 64 MiB of vectors
  /// and 131,072 rows.
  uint64_t sample_rows = 10'000;
  /// That clusters are tried for; 0 = the mean of what searches asked for, or 0.95. Below 1.
  double recall = 0;
};

/// All that is worth doing about one collection (Utilities::Optimize).
struct OptimizationReport {
  std::string collection = {};
  CompressionRecommendation compression = {};
  ClusterCountAdvice clusters = {};
  SchemaAdvice schema = {};
  PartitionAdvice partitions = {};
  CompactionAdvice compaction = {};
  /// What of it is worth recommending; with its outcome if it was applied.
  std::vector<Recommendation> recommendations = {};
};

/// As JSON objects, for programs; keys are those of the members.
VIPER_EXPORT Value ToValue(const Recommendation& recommendation);
VIPER_EXPORT Value ToValue(const OptimizationReport& report);

}  // namespace viper
