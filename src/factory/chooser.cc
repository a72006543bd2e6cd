#include "factory/chooser.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include <fmt/core.h>

#include "factory/strategies.h"
#include "index/centroid_levels.h"
#include "index/model_training.h"

namespace viper::factory {
namespace {

/// From so many rows on the order of a file is worth its k-means.
constexpr uint64_t kSimilarityRowsMin = 10'000;
/// Searches by similarity are what a collection is for above this share of its reads.
constexpr double kSimilarityShareMin = 0.5;
/// Clusters tell enough to order by: below, the rows of a sample lie hardly nearer to centroids
/// than shuffled ones do.
constexpr double kTendencyMin = 0.1;
/// Where at most this share of the vectors can be sparse, trials of both formats are for nothing.
constexpr double kSparseRowsMax = 0.1;
/// Fewer records do not tell that there are no zeros.
constexpr uint64_t kZeroRowsMin = 100;

constexpr std::string_view kLayoutPath = "pipeline.processing.layout";
constexpr std::string_view kOrderPath = "pipeline.processing.sorting.order";

Decision Explicitly(std::string_view name, std::string_view path) {
  return {std::string(name), ChoiceOrigin::kExplicit, fmt::format("{} is set", path)};
}

std::string CompressionText(bool is_adaptive, const Compression& compression) {
  return is_adaptive ? "adaptive" : CompressionName(compression);
}

}  // namespace

bool Chooser::IsNamed() const {
  return configuration_.strategy.mode == StrategySelectionMode::kFixed ||
         configuration_.strategy.mode == StrategySelectionMode::kUserDefined;
}

Decision Chooser::Named(std::string_view name, std::string_view path) const {
  Decision decision = Explicitly(name, path);
  if (configuration_.strategy.mode == StrategySelectionMode::kUserDefined) {
    decision.group = StrategyGroup::kRegistered;
  }
  return decision;
}

std::optional<std::string> Chooser::TimeSeriesObstacle() const {
  if (ruled_out_) return ruled_out_;
  const ProcessingConfig& processing = configuration_.pipeline.processing;
  if (!processing.enable_preprocessing) return "pipeline.processing.enable_preprocessing=false";
  if (processing.sorting.order != SortingOrder::kByTime) {
    return fmt::format("{}={}", kOrderPath, SortingOrderName(processing.sorting.order));
  }
  return std::nullopt;
}

std::optional<uint64_t> Chooser::Rows() const {
  if (collection_.estimated_rows) return collection_.estimated_rows;
  return profile_.rows;
}

std::string Chooser::RowsText() const {
  if (collection_.estimated_rows)
    return fmt::format("{} rows expected", *collection_.estimated_rows);
  if (profile_.rows) return fmt::format("{} rows", *profile_.rows);
  return "the number of rows is not known";
}

std::vector<Field> Chooser::Fields() const {
  std::vector<Field> fields = collection_.filterable_fields;
  for (const std::string& name : configuration_.engine.filterable_fields) {
    const auto is_same = [&](const Field& field) { return field.name == name; };
    if (std::any_of(fields.begin(), fields.end(), is_same)) continue;
    for (const auto& key : profile_.keys) {
      if (key.field.name == name) fields.push_back(key.field);
    }
  }
  return fields;
}

Decision Chooser::ChooseSchema() const {
  if (IsNamed() && !configuration_.strategy.schema.empty()) {
    return Named(configuration_.strategy.schema, "strategy.schema");
  }
  if (IsExplicit(kLayoutPath)) {
    return Explicitly(FileLayoutName(configuration_.pipeline.processing.layout), kLayoutPath);
  }
  if (collection_.legacy_files) {
    return {std::string(kLegacySchema), ChoiceOrigin::kCollection,
            "CollectionConfig::legacy_files: they are for programs that know the old layout only"};
  }
  const std::optional<std::string> obstacle = TimeSeriesObstacle();
  if (collection_.time_field && !obstacle) {
    return {std::string(kTimeSeriesSchema), ChoiceOrigin::kCollection,
            fmt::format("'{}' is its time field", *collection_.time_field)};
  }
  const auto& time = collection_.time_field ? collection_.time_field : profile_.time_key;
  const std::string no_series =
      time && obstacle ? fmt::format("; no time series by '{}': {}", *time, *obstacle) : "";
  if (!collection_.filterable_fields.empty()) {
    return {std::string(kViperSchema), ChoiceOrigin::kCollection,
            fmt::format("{} filterable fields are declared{}", collection_.filterable_fields.size(),
                        no_series)};
  }
  if (time && !obstacle) {
    return {std::string(kTimeSeriesSchema), ChoiceOrigin::kInferred,
            fmt::format("'{}' holds a time in all of {} records; those without a timestamp get it",
                        *time, profile_.sampled_rows)};
  }
  return {std::string(kViperSchema), ChoiceOrigin::kDefault,
          no_series.empty() ? "neither a time field nor the old layout is asked for"
                            : fmt::format("typed columns{}", no_series)};
}

Decision Chooser::ChooseProcessor(FileLayout layout) const {
  if (IsNamed() && !configuration_.strategy.processor.empty()) {
    return Named(configuration_.strategy.processor, "strategy.processor");
  }
  if (IsExplicit(kOrderPath)) {
    const SortingOrder order = configuration_.pipeline.processing.sorting.order;
    return Explicitly(
        order == SortingOrder::kBySimilarity ? kSimilarityProcessor : kStandardProcessor,
        kOrderPath);
  }
  if (layout == FileLayout::kTimeSeries) {
    return {std::string(kTimeSeriesProcessor), ChoiceOrigin::kInferred,
            fmt::format("the files are time series, in windows of {} ms",
                        configuration_.pipeline.processing.time_series.window_ms)};
  }
  if (!configuration_.pipeline.processing.enable_preprocessing) {
    return {std::string(kStandardProcessor), ChoiceOrigin::kInferred,
            "rows are written as they come: pipeline.processing.enable_preprocessing=false"};
  }
  if (configuration_.strategy.mode == StrategySelectionMode::kModelGuided) {
    return ChooseOrderByTendency();
  }
  return ChooseOrder();
}

Decision Chooser::ChooseOrder() const {
  if (collection_.similarity_share && *collection_.similarity_share < kSimilarityShareMin) {
    return {std::string(kStandardProcessor), ChoiceOrigin::kCollection,
            fmt::format("{:.0f} % of its reads are searches by similarity",
                        100 * *collection_.similarity_share)};
  }
  const auto rows = Rows();
  if (!rows || *rows < kSimilarityRowsMin) {
    return {std::string(kStandardProcessor),
            rows ? ChoiceOrigin::kInferred : ChoiceOrigin::kDefault,
            fmt::format("{}; similar rows are put together from {} on", RowsText(),
                        kSimilarityRowsMin)};
  }
  return {std::string(kSimilarityProcessor), ChoiceOrigin::kInferred,
          fmt::format("{}, read by similarity", RowsText())};
}

Decision Chooser::ChooseOrderByTendency() const {
  if (!profile_.cluster_tendency) {
    Decision decision = ChooseOrder();
    decision.reason +=
        fmt::format("; no model was asked: {} records are too few to measure how they cluster",
                    profile_.sampled_rows);
    return decision;
  }
  const bool is_clustered = *profile_.cluster_tendency >= kTendencyMin;
  return {std::string(is_clustered ? kSimilarityProcessor : kStandardProcessor),
          ChoiceOrigin::kInferred,
          fmt::format("cluster tendency {:.3f} of {} records, {} {}", *profile_.cluster_tendency,
                      profile_.sampled_rows, is_clustered ? "at least" : "below", kTendencyMin)};
}

Decision Chooser::ChooseModel() {
  constexpr std::string_view kClustering = "engine.enable_clustering";
  constexpr std::string_view kRowsMin = "engine.index_min_rows";
  constexpr std::string_view kClusters = "engine.index_clusters";
  EngineOptions& engine = configuration_.engine;
  if (!engine.enable_clustering) {
    if (IsExplicit(kClustering)) return Explicitly("none", kClustering);
    return {"none", ChoiceOrigin::kDefault, fmt::format("{}=false", kClustering)};
  }
  const auto rows = Rows();
  const ChoiceOrigin origin = collection_.estimated_rows ? ChoiceOrigin::kCollection
                              : rows                     ? ChoiceOrigin::kInferred
                                                         : ChoiceOrigin::kDefault;
  if (rows && *rows < engine.index_min_rows) {
    return {"none", IsExplicit(kRowsMin) ? ChoiceOrigin::kExplicit : origin,
            fmt::format("{}: all are compared below {}={}", RowsText(), kRowsMin,
                        engine.index_min_rows)};
  }
  std::string reason = RowsText();
  if (!rows) reason += fmt::format(": a model is trained from {} rows on", engine.index_min_rows);
  if (!engine.background_index) reason += "; only Collection::BuildIndex trains it";
  if (engine.index_clusters > 0) {
    const uint64_t clusters = std::min<uint64_t>(engine.index_clusters, rows.value_or(UINT64_MAX));
    return {fmt::format("{} clusters", clusters),
            IsExplicit(kClusters) ? ChoiceOrigin::kExplicit : ChoiceOrigin::kDefault,
            fmt::format("{}={}; {}", kClusters, engine.index_clusters, reason)};
  }
  if (!rows) return {"by size", origin, std::move(reason)};
  const size_t clusters = index::ClusterCountFor(*rows, profile_.dim);
  const bool is_flat = clusters < index::CentroidLevels::kGroupedCountMin;
  reason += fmt::format(": {} clusters", clusters);
  reason += is_flat ? ", all compared with a query"
                    : fmt::format(", found through groups of them from {} on",
                                  index::CentroidLevels::kGroupedCountMin);
  if (profile_.cluster_tendency) {
    reason += fmt::format("; cluster tendency {:.3f}", *profile_.cluster_tendency);
  }
  return {is_flat ? "flat" : "two-level", origin, std::move(reason)};
}

Decision Chooser::ChooseVectorFormat() {
  constexpr std::string_view kPath = "pipeline.flushing.vector_format";
  FlushingConfig& flushing = configuration_.pipeline.flushing;
  if (configuration_.pipeline.processing.layout == FileLayout::kLegacy && !IsExplicit(kPath)) {
    flushing.vector_format = VectorFormat::kDense;
    return {std::string(VectorFormatName(flushing.vector_format)), ChoiceOrigin::kInferred,
            "the old layout has no column for sparse vectors"};
  }
  return ChooseFormat(kPath, flushing.sparsity_threshold, flushing.vector_format);
}

Decision Chooser::ChooseEngineVectorFormat() {
  EngineOptions& engine = configuration_.engine;
  return ChooseFormat("engine.vector_format", engine.sparsity_threshold, engine.vector_format);
}

Decision Chooser::ChooseFormat(std::string_view path, double threshold,
                               VectorFormat& format) const {
  if (IsExplicit(path)) return Explicitly(VectorFormatName(format), path);
  const bool is_expected = collection_.expected_sparsity.has_value();
  const auto share = is_expected ? collection_.expected_sparsity : profile_.zero_share;
  if (!share) {
    return {std::string(VectorFormatName(format)), ChoiceOrigin::kDefault,
            format == VectorFormat::kAdaptive ? "a sample of each row group of a file decides"
                                              : "nothing is known of the components"};
  }
  std::string_view why;
  if (*share > threshold) {
    format = VectorFormat::kSparse;
    why = "above the threshold of {}: vectors above it are stored by those that are not zero";
  } else if (*share <= kSparseRowsMax * threshold &&
             (is_expected || profile_.sampled_rows >= kZeroRowsMin)) {
    // At most share / threshold of the vectors have more zeros than the threshold (Markov).
    format = VectorFormat::kDense;
    why = "so few that hardly a vector can be above the threshold of {}";
  } else {
    format = VectorFormat::kAdaptive;
    why = "not above the threshold of {}: a sample of each row group decides on those that are";
  }
  return {std::string(VectorFormatName(format)),
          is_expected ? ChoiceOrigin::kCollection : ChoiceOrigin::kInferred,
          fmt::format("{:.1f} % of the components {} zero, {}", 100 * *share,
                      is_expected ? "are expected to be" : "are",
                      fmt::format(fmt::runtime(why), threshold))};
}

std::vector<StorageWay> Chooser::CompressionWays() const {
  const FlushingConfig& flushing = configuration_.pipeline.flushing;
  return {
      {.policy = flushing.storage_policy},
      {.policy = flushing.storage_policy, .adaptive = false, .compression = flushing.compression}};
}

Decision Chooser::ChooseCompression(std::span<const StorageTrial> trials) {
  constexpr std::string_view kPath = "pipeline.flushing.enable_adaptive_compression";
  constexpr std::string_view kNeeded = "pipeline.processing.enable_postprocessing";
  FlushingConfig& flushing = configuration_.pipeline.flushing;
  const auto decide = [&flushing](ChoiceOrigin origin, std::string reason) -> Decision {
    return {CompressionText(flushing.enable_adaptive_compression, flushing.compression), origin,
            std::move(reason)};
  };
  if (IsExplicit(kPath)) return decide(ChoiceOrigin::kExplicit, fmt::format("{} is set", kPath));
  if (!configuration_.pipeline.processing.enable_postprocessing) {
    return decide(IsExplicit(kNeeded) ? ChoiceOrigin::kExplicit : ChoiceOrigin::kDefault,
                  fmt::format("{}=false: codecs are tried in the postprocessing", kNeeded));
  }
  if (trials.size() < 2) {
    return decide(ChoiceOrigin::kDefault, trials.empty() ? "there are no rows to try"
                                                         : "the time did not suffice to try both");
  }
  const uint64_t adaptive = trials[0].bytes;
  const uint64_t fixed = trials[1].bytes;
  flushing.enable_adaptive_compression = adaptive < fixed;
  return decide(ChoiceOrigin::kInferred,
                fmt::format("a sample takes {} bytes with codecs by trial, {} with {}", adaptive,
                            fixed, trials[1].way.ToString()));
}

Decision Chooser::ChooseEngineCompression() const {
  constexpr std::string_view kPath = "engine.adaptive_compression";
  const EngineOptions& engine = configuration_.engine;
  const std::string name = CompressionText(engine.adaptive_compression, engine.compression);
  if (IsExplicit(kPath)) return Explicitly(name, kPath);
  return {name, ChoiceOrigin::kDefault,
          engine.adaptive_compression
              ? "the engine tries each column of a file on a sample of its rows"
              : fmt::format("{}=false", kPath)};
}

}  // namespace viper::factory
