#include "utilities/optimization_adviser.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "base/status_macros.h"
#include "utilities/advice_rules.h"
#include "utilities/cluster_count_advice.h"
#include "utilities/config_checks.h"

namespace viper::utilities {
namespace {

constexpr uint64_t kSampleRowsMin = 1'000;
constexpr double kUsualRecall = 0.95;
constexpr double kRecallMax = 0.999;
/// Another number of clusters is recommended if it costs this share less at least.
constexpr double kCostSavingMin = 0.2;
/// No more rows than this are taken to try numbers of clusters: so many of 128 dimensions take a
/// minute, and the time grows with the square of their number.
constexpr uint64_t kClusterSampleBytesMax = uint64_t{64} << 20;
constexpr uint64_t kClusterSampleRowsMax = 131'072;

constexpr std::string_view kBytesMeasure = "bytes of the table's files";
constexpr std::string_view kFilesMeasure = "files of the table";

/// What a sample of so many tells about the rest: one less the order of its standard error.
double ConfidenceOfSample(uint64_t count) {
  return count == 0 ? 0 : 1 - 1 / std::sqrt(static_cast<double>(count));
}

/// Numbers of a sample, for all.
double Scaled(uint64_t counted, uint64_t all_rows, uint64_t rows_read) {
  return rows_read == 0 ? 0
                        : static_cast<double>(counted) * static_cast<double>(all_rows) /
                              static_cast<double>(rows_read);
}

CollectionOperations TrafficOf(const Engine& engine, const std::string& name) {
  for (CollectionOperations& operations : engine.Operations()) {
    if (operations.collection == name) return std::move(operations);
  }
  return {};
}

/// As many as the options say, or as it takes to try twice as many clusters as there are.
uint64_t ClusterSampleRows(const Collection& collection, const std::optional<uint64_t>& clusters,
                           const OptimizeOptions& options) {
  const uint64_t most =
      std::min(kClusterSampleRowsMax, kClusterSampleBytesMax / (collection.dim() * sizeof(float)));
  const uint64_t wanted = 2 * kTrialRowsPerCluster * clusters.value_or(0);
  return std::max(options.sample_rows, std::min(wanted, most));
}

Result<ClusterCountAdvice> LookAtClusters(const Collection& collection,
                                          const CollectionOperations& traffic,
                                          const OptimizeOptions& options) {
  ClusterTrialOptions trial;
  if (const auto index = collection.ReportIndex(); index.ok()) {
    trial.current_clusters = index->clusters;
  }
  VIPER_ASSIGN_OR_RETURN(
      const std::vector<Record> records,
      collection.Sample(ClusterSampleRows(collection, trial.current_clusters, options), 0,
                        {.vector = true, .metadata = false}));
  const bool is_cosine = collection.schema().metric == Metric::kCosine;
  std::vector<float> floats;
  for (const Record& record : records) {
    double square = 0;
    for (const float component : record.vector) square += double{component} * double{component};
    const double scale = is_cosine && square > 0 ? 1 / std::sqrt(square) : 1;
    for (const float component : record.vector) {
      floats.push_back(static_cast<float>(component * scale));
    }
  }
  trial.rows = collection.Statistics().live_rows.value_or(records.size());
  trial.recall = options.recall > 0
                     ? options.recall
                     : std::min(kRecallMax, traffic.searches.mean_recall.value_or(kUsualRecall));
  VIPER_ASSIGN_OR_RETURN(ClusterCountAdvice advice,
                         TryClusterCounts({floats, collection.dim()}, trial));
  if (trial.current_clusters && !advice.current_cost) {
    // The best of a few numbers that are all far below it says nothing about the one that is used.
    advice.recommended_clusters.reset();
    advice.recommended_cost.reset();
    advice.reason = fmt::format(
        "too few rows to compare with the {} clusters that there are: wanted={} sampled={}",
        *trial.current_clusters, kTrialRowsPerCluster * *trial.current_clusters,
        advice.sample_rows);
  }
  return advice;
}

Result<PartitionAdvice> LookAtPartitions(const Engine& engine, const std::string& name,
                                         const CollectionOperations& traffic) {
  VIPER_ASSIGN_OR_RETURN(const CollectionInspection inspection, engine.Inspect(name));
  std::vector<PartitionLoad> loads;
  for (const PartInspection& part : inspection.parts) {
    loads.push_back({part.file, part.rows - std::min(part.rows, part.dead_rows)});
  }
  return AdvisePartitions(loads, traffic);
}

Result<CompactionAdvice> LookAtCompaction(Collection& collection) {
  CompactOptions options;
  options.dry_run = true;
  CompactionAdvice advice;
  VIPER_ASSIGN_OR_RETURN(advice.planned, collection.Compact(options));
  const CompactionReport& planned = advice.planned;
  advice.bytes_given_back =
      planned.bytes_before - std::min(planned.bytes_before, planned.bytes_after);
  advice.files_fewer = planned.files_before - std::min(planned.files_before, planned.files_after);
  return advice;
}

void RecommendCompression(const CompressionRecommendation& advice,
                          std::vector<Recommendation>& out) {
  if (!advice.is_change || !advice.expected_ratio || !advice.expected_files_bytes) return;
  Recommendation recommendation;
  recommendation.type = RecommendationType::kCompression;
  recommendation.action = fmt::format("write the files anew as '{}', and open the engine so",
                                      advice.recommended_way.ToString());
  recommendation.evidence = advice.reason;
  recommendation.measure = kBytesMeasure;
  recommendation.current = static_cast<double>(advice.files_bytes);
  recommendation.expected = static_cast<double>(*advice.expected_files_bytes);
  recommendation.storage_way = advice.recommended_way;
  recommendation.expected_ratio = advice.expected_ratio;
  recommendation.confidence = advice.error_bound ? std::max(0.0, 1 - *advice.error_bound)
                                                 : ConfidenceOfSample(advice.trials.sample_rows);
  recommendation.can_be_applied = true;
  out.push_back(std::move(recommendation));
}

void RecommendClusters(const ClusterCountAdvice& advice, std::vector<Recommendation>& out) {
  if (!advice.current_cost || !advice.recommended_cost ||
      *advice.recommended_cost > (1 - kCostSavingMin) * *advice.current_cost) {
    return;
  }
  Recommendation recommendation;
  recommendation.type = RecommendationType::kClusterCount;
  recommendation.action =
      fmt::format("open the engine with index_clusters = {}, and build the index anew",
                  *advice.recommended_clusters);
  recommendation.evidence = fmt::format(
      "of {} sampled rows, {} queries at recall {:.3g} compare with fewer vectors than with the {} "
      "clusters that there are",
      advice.sample_rows, advice.queries, advice.recall, *advice.current_clusters);
  recommendation.measure = "vectors that a search compares with";
  recommendation.current = *advice.current_cost;
  recommendation.expected = advice.recommended_cost;
  recommendation.confidence = ConfidenceOfSample(advice.queries);
  out.push_back(std::move(recommendation));
}

Recommendation OfField(const FieldAdvice& advice) {
  Recommendation recommendation;
  recommendation.type = RecommendationType::kSchema;
  recommendation.subject = advice.field.name;
  recommendation.expected = 0;
  recommendation.field_action = advice.action;
  recommendation.field_type = advice.field.type;
  recommendation.evidence = advice.reason;
  const std::string_view type = FieldTypeName(advice.field.type);
  switch (advice.action) {
    case FieldAction::kPromote:
      recommendation.action =
          fmt::format("declare the key '{}' as a field of type {}", advice.field.name, type);
      break;
    case FieldAction::kWiden:
      recommendation.action = fmt::format("widen the field '{}' to {}", advice.field.name, type);
      break;
    case FieldAction::kDemote:
      recommendation.action = fmt::format(
          "leave the field '{}' undeclared in the next table of this kind", advice.field.name);
      break;
  }
  return recommendation;
}

void RecommendSchema(const SchemaAdvice& advice, const SchemaReport& report,
                     std::vector<Recommendation>& out) {
  for (const FieldAdvice& field : advice.fields) {
    Recommendation recommendation = OfField(field);
    recommendation.confidence =
        report.rows == report.rows_read ? 1 : ConfidenceOfSample(report.rows_read);
    recommendation.can_be_applied = field.action != FieldAction::kDemote;
    if (field.action == FieldAction::kPromote) {
      recommendation.measure = "bytes of JSON of it that each filter on it parses";
      recommendation.current = Scaled(field.json_bytes, report.rows, report.rows_read);
    } else if (field.action == FieldAction::kWiden) {
      recommendation.measure = "records whose value does not fit the field";
      for (const FieldReport& told : report.fields) {
        if (told.field.name == field.field.name) {
          recommendation.current = Scaled(told.parked, report.rows, report.rows_read);
        }
      }
    } else {
      recommendation.measure = "declared fields that nobody filters by";
      recommendation.current = 1;
    }
    out.push_back(std::move(recommendation));
  }
}

void RecommendPartitions(const PartitionAdvice& advice, std::vector<Recommendation>& out) {
  const bool is_skewed = !advice.split.empty() || !advice.merge.empty();
  if (!is_skewed && !advice.switch_to_time) return;
  Recommendation recommendation;
  recommendation.type = RecommendationType::kPartitioning;
  recommendation.evidence = advice.reason;
  std::vector<std::string> actions;
  if (!advice.split.empty()) actions.push_back(fmt::format("split {}", advice.split.size()));
  if (!advice.merge.empty()) actions.push_back(fmt::format("join {}", advice.merge.size()));
  recommendation.action =
      is_skewed ? fmt::format("{} of {} partitions", fmt::join(actions, " and "), advice.partitions)
                : std::string();
  if (advice.switch_to_time) {
    recommendation.action += is_skewed ? "; part the records by time" : "part the records by time";
  }
  recommendation.measure = "Gini coefficient of the partitions' rows";
  recommendation.current = advice.gini;
  // What parting by time makes of it is not known before.
  recommendation.expected = advice.gini_afterwards;
  recommendation.confidence = 1;
  out.push_back(std::move(recommendation));
}

/// OK if the key is there still, and this type is the one that takes most of its values.
Status CheckKey(const Collection& collection, const Field& field) {
  VIPER_ASSIGN_OR_RETURN(const SchemaReport report, collection.ReportSchema());
  for (const KeyReport& key : report.keys) {
    if (key.key != field.name) continue;
    if (key.type == field.type) return {};
    return Status::FailedPrecondition(fmt::format("the values of '{}' are no longer of type {}: {}",
                                                  field.name, FieldTypeName(field.type),
                                                  key.type ? FieldTypeName(*key.type) : "no type"));
  }
  return Status::FailedPrecondition(fmt::format("no record has the key '{}' any more", field.name));
}

void RecommendCompaction(const CompactionAdvice& advice, std::vector<Recommendation>& out) {
  if (advice.planned.steps.empty()) return;
  const CompactionReport& planned = advice.planned;
  Recommendation recommendation;
  recommendation.type = RecommendationType::kCompaction;
  recommendation.action = fmt::format("compact: {} steps, the first for {}", planned.steps.size(),
                                      planned.steps.front().reason);
  recommendation.evidence = fmt::format("{} bytes given back, {} files fewer, expected",
                                        advice.bytes_given_back, advice.files_fewer);
  const bool is_bytes = advice.bytes_given_back > 0;
  recommendation.measure = is_bytes ? kBytesMeasure : kFilesMeasure;
  recommendation.current =
      static_cast<double>(is_bytes ? planned.bytes_before : planned.files_before);
  recommendation.expected =
      static_cast<double>(is_bytes ? planned.bytes_after : planned.files_after);
  recommendation.confidence = 1;
  recommendation.can_be_applied = true;
  out.push_back(std::move(recommendation));
}

}  // namespace

Result<OptimizationReport> OptimizationAdviser::Optimize(const std::string& name,
                                                         const OptimizeOptions& options) {
  if (options.sample_rows < kSampleRowsMin || options.sample_rows > kSampleRowsMax) {
    return Status::InvalidArgument(
        fmt::format("OptimizeOptions::sample_rows is out of range: min={} max={} actual={}",
                    kSampleRowsMin, kSampleRowsMax, options.sample_rows));
  }
  if (!(options.recall >= 0 && options.recall < 1)) {
    return Status::InvalidArgument(fmt::format(
        "OptimizeOptions::recall must be 0 or more, and below 1: actual={}", options.recall));
  }
  VIPER_ASSIGN_OR_RETURN(const auto collection, engine_.OpenCollection(name));
  const CollectionOperations traffic = TrafficOf(engine_, name);
  OptimizationReport report;
  report.collection = name;
  VIPER_ASSIGN_OR_RETURN(report.compression, compression_.Optimize(name));
  VIPER_ASSIGN_OR_RETURN(report.clusters, LookAtClusters(*collection, traffic, options));
  VIPER_ASSIGN_OR_RETURN(const SchemaReport schema,
                         collection->ReportSchema({.sample_rows = options.sample_rows}));
  report.schema = AdviseOnSchema(schema, traffic);
  VIPER_ASSIGN_OR_RETURN(report.partitions, LookAtPartitions(engine_, name, traffic));
  VIPER_ASSIGN_OR_RETURN(report.compaction, LookAtCompaction(*collection));
  auto& recommendations = report.recommendations;
  // Compaction first: what the others measure is different afterwards.
  RecommendCompaction(report.compaction, recommendations);
  RecommendSchema(report.schema, schema, recommendations);
  RecommendCompression(report.compression, recommendations);
  RecommendClusters(report.clusters, recommendations);
  RecommendPartitions(report.partitions, recommendations);
  const uint64_t epoch = collection->Operations().epoch;
  for (Recommendation& recommendation : recommendations) {
    recommendation.collection = name;
    recommendation.collection_epoch = epoch;
    recommendation.made_at = engine_.options().clock->Now();
  }
  Keep(recommendations);
  if (options.dry_run) return report;
  for (Recommendation& recommendation : recommendations) {
    // What fails is told in the recommendation: the others are worth doing all the same.
    if (recommendation.can_be_applied) (void)Carry(recommendation);
  }
  return report;
}

std::vector<Recommendation> OptimizationAdviser::Recommendations() const {
  MutexLock lock(mutex_);
  return kept_;
}

void OptimizationAdviser::Keep(std::vector<Recommendation>& recommendations) {
  MutexLock lock(mutex_);
  // Those that are open from before are replaced by what is said about the same now; nothing of
  // this batch is.
  std::erase_if(kept_, [&](const Recommendation& old) {
    return old.state == RecommendationState::kOpen &&
           std::any_of(recommendations.begin(), recommendations.end(), [&](const auto& now) {
             return old.type == now.type && old.collection == now.collection &&
                    old.subject == now.subject;
           });
  });
  for (Recommendation& recommendation : recommendations) {
    recommendation.id = ++last_id_;
    kept_.push_back(recommendation);
  }
  if (kept_.size() > kKeptMax) {
    kept_.erase(kept_.begin(), kept_.end() - static_cast<std::ptrdiff_t>(kKeptMax));
  }
}

void OptimizationAdviser::Replace(const Recommendation& recommendation) {
  MutexLock lock(mutex_);
  for (Recommendation& kept : kept_) {
    if (kept.id == recommendation.id) kept = recommendation;
  }
}

Result<Recommendation> OptimizationAdviser::Apply(uint64_t id) {
  Recommendation recommendation;
  for (const Recommendation& kept : Recommendations()) {
    if (kept.id == id) recommendation = kept;
  }
  if (recommendation.id == 0) {
    return Status::NotFound(fmt::format("there is no recommendation {}", id));
  }
  if (!recommendation.can_be_applied || recommendation.state == RecommendationState::kApplied) {
    return Status::FailedPrecondition(fmt::format(
        "recommendation {} ({}) {}", id, recommendation.action,
        recommendation.can_be_applied ? "was applied already" : "is for you to carry out"));
  }
  VIPER_RETURN_IF_ERROR(Carry(recommendation));
  return recommendation;
}

Status OptimizationAdviser::Carry(Recommendation& recommendation) {
  const auto outcome = Do(recommendation);
  recommendation.state =
      outcome.ok() ? RecommendationState::kApplied : RecommendationState::kFailed;
  if (outcome.ok()) {
    recommendation.outcome = *outcome;
    recommendation.error.reset();
  } else {
    recommendation.error = outcome.status().ToString();
  }
  Replace(recommendation);
  return outcome.status();
}

Result<double> OptimizationAdviser::Do(const Recommendation& recommendation) {
  VIPER_ASSIGN_OR_RETURN(const auto collection, engine_.OpenCollection(recommendation.collection));
  if (collection->Operations().epoch != recommendation.collection_epoch) {
    return Status::FailedPrecondition(
        fmt::format("the collection '{}' was dropped since, and is another one now",
                    recommendation.collection));
  }
  if (recommendation.type == RecommendationType::kSchema) {
    return ApplySchema(*collection, recommendation);
  }
  if (recommendation.type == RecommendationType::kCompression) {
    VIPER_RETURN_IF_ERROR(compression_
                              .Apply(recommendation.collection, *recommendation.storage_way,
                                     *recommendation.expected_ratio)
                              .status());
  } else {
    VIPER_RETURN_IF_ERROR(collection->Compact().status());
  }
  const CollectionStatistics statistics = collection->Statistics();
  return static_cast<double>(recommendation.measure == kFilesMeasure ? statistics.part_count
                                                                     : statistics.part_bytes);
}

Result<double> OptimizationAdviser::ApplySchema(Collection& collection,
                                                const Recommendation& recommendation) {
  const Field field{recommendation.subject, recommendation.field_type.value_or(FieldType::kString)};
  const CollectionSchema schema = collection.schema();
  const Field* declared = schema.FindField(field.name);
  if (recommendation.field_action == FieldAction::kPromote) {
    if (declared != nullptr) {
      return Status::FailedPrecondition(fmt::format("the key '{}' was declared since, as {}",
                                                    field.name, FieldTypeName(declared->type)));
    }
    VIPER_RETURN_IF_ERROR(CheckKey(collection, field));
    VIPER_RETURN_IF_ERROR(collection.AddFields(std::vector{field}).status());
    // The files get the column.
    CompactOptions options;
    options.everything = true;
    VIPER_RETURN_IF_ERROR(collection.Compact(options).status());
  } else {
    if (declared == nullptr || declared->type != FieldType::kInt64) {
      return Status::FailedPrecondition(fmt::format(
          "the field '{}' is no longer the integer that was to be widened: {}", field.name,
          declared == nullptr ? std::string_view("it is not declared")
                              : FieldTypeName(declared->type)));
    }
    VIPER_RETURN_IF_ERROR(collection.WidenField(field).status());
  }
  VIPER_ASSIGN_OR_RETURN(const SchemaReport after, collection.ReportSchema());
  for (const KeyReport& key : after.keys) {
    if (key.key == recommendation.subject) return static_cast<double>(key.json_bytes);
  }
  for (const FieldReport& told : after.fields) {
    if (told.field.name == recommendation.subject) return static_cast<double>(told.parked);
  }
  return Status::NotFound(
      fmt::format("the field '{}' is gone after it was changed", recommendation.subject));
}

}  // namespace viper::utilities
