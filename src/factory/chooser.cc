#include "factory/chooser.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "factory/strategies.h"
#include "index/centroid_levels.h"
#include "index/model_training.h"

namespace viper::factory {
namespace {

/// Fewer rows are compared as fast as clusters of them are found.
constexpr uint64_t kModelRowsMin = 1'000;
/// From so many rows on the order of a file is worth its k-means.
constexpr uint64_t kSimilarityRowsMin = 10'000;
/// Searches by similarity are what a collection is for above this share of its reads.
constexpr double kSimilarityShareMin = 0.5;
/// Clusters tell enough to order by: below, the rows of a sample lie hardly nearer to centroids
/// than shuffled ones do.
constexpr double kTendencyMin = 0.1;

Decision Explicitly(std::string_view name, std::string_view path) {
  return {std::string(name), ChoiceOrigin::kExplicit, fmt::format("{} is set", path)};
}

}  // namespace

bool Chooser::IsNamed() const {
  return configuration_.strategy.mode == StrategySelectionMode::kFixed ||
         configuration_.strategy.mode == StrategySelectionMode::kUserDefined;
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

std::optional<std::string> Chooser::TimeField() const {
  if (collection_.time_field) return collection_.time_field;
  return profile_.time_key;
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
    return Explicitly(configuration_.strategy.schema, "strategy.schema");
  }
  constexpr std::string_view kLayout = "pipeline.processing.layout";
  if (IsExplicit(kLayout)) {
    return Explicitly(FileLayoutName(configuration_.pipeline.processing.layout), kLayout);
  }
  if (collection_.legacy_files) {
    return {std::string(kLegacySchema), ChoiceOrigin::kCollection,
            "files are for programs that know the old layout only"};
  }
  if (collection_.time_field) {
    return {std::string(kTimeSeriesSchema), ChoiceOrigin::kCollection,
            fmt::format("'{}' is its time field", *collection_.time_field)};
  }
  if (!collection_.filterable_fields.empty()) {
    return {std::string(kViperSchema), ChoiceOrigin::kCollection,
            fmt::format("{} filterable fields are declared", collection_.filterable_fields.size())};
  }
  if (profile_.time_key) {
    return {std::string(kTimeSeriesSchema), ChoiceOrigin::kInferred,
            fmt::format("'{}' holds a time in all of {} records", *profile_.time_key,
                        profile_.sampled_rows)};
  }
  return {std::string(kViperSchema), ChoiceOrigin::kDefault,
          "neither a time field nor the old layout is asked for"};
}

Decision Chooser::ChooseProcessor(FileLayout layout) const {
  if (IsNamed() && !configuration_.strategy.processor.empty()) {
    return Explicitly(configuration_.strategy.processor, "strategy.processor");
  }
  constexpr std::string_view kOrder = "pipeline.processing.sorting.order";
  if (IsExplicit(kOrder)) {
    const SortingOrder order = configuration_.pipeline.processing.sorting.order;
    return Explicitly(
        order == SortingOrder::kBySimilarity ? kSimilarityProcessor : kStandardProcessor, kOrder);
  }
  if (layout == FileLayout::kTimeSeries) {
    return {std::string(kTimeSeriesProcessor), ChoiceOrigin::kInferred,
            fmt::format("the files are time series, in windows of {} ms",
                        configuration_.pipeline.processing.time_series.window_ms)};
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
  EngineOptions& engine = configuration_.engine;
  if (IsExplicit("engine.enable_clustering") && !engine.enable_clustering) {
    return Explicitly("none", "engine.enable_clustering");
  }
  if (IsExplicit("engine.index_clusters") && engine.index_clusters > 0) {
    return Explicitly(fmt::format("{} clusters", engine.index_clusters), "engine.index_clusters");
  }
  const auto rows = Rows();
  if (!rows) {
    return {"by size", ChoiceOrigin::kDefault,
            fmt::format("{}: the engine trains a model from {} rows on", RowsText(),
                        engine.index_min_rows)};
  }
  const ChoiceOrigin origin =
      collection_.estimated_rows ? ChoiceOrigin::kCollection : ChoiceOrigin::kInferred;
  if (*rows < kModelRowsMin) {
    if (!IsExplicit("engine.index_min_rows")) {
      engine.index_min_rows = std::max(engine.index_min_rows, kModelRowsMin);
    }
    return {
        "none", origin,
        fmt::format("{}: comparing all is as fast below {}", RowsText(), engine.index_min_rows)};
  }
  if (!IsExplicit("engine.index_min_rows")) {
    engine.index_min_rows = std::min(engine.index_min_rows, *rows);
  }
  const size_t clusters = index::ClusterCountFor(*rows, profile_.dim);
  const bool is_flat = clusters < index::CentroidLevels::kGroupedCountMin;
  std::string reason = fmt::format("{}: {} clusters", RowsText(), clusters);
  reason += is_flat ? ", all compared with a query"
                    : fmt::format(", found through groups of them from {} on",
                                  index::CentroidLevels::kGroupedCountMin);
  if (profile_.cluster_tendency) {
    reason += fmt::format("; cluster tendency {:.3f}", *profile_.cluster_tendency);
  }
  return {is_flat ? "flat" : "two-level", origin, std::move(reason)};
}

Decision Chooser::ChooseVectorFormat() const {
  constexpr std::string_view kFormat = "engine.vector_format";
  const EngineOptions& engine = configuration_.engine;
  if (IsExplicit(kFormat)) return Explicitly(VectorFormatName(engine.vector_format), kFormat);
  const std::string format(VectorFormatName(engine.vector_format));
  const auto share =
      collection_.expected_sparsity ? collection_.expected_sparsity : profile_.zero_share;
  if (!share) {
    return {format, ChoiceOrigin::kDefault, "a sample of each row group of a file decides"};
  }
  return {format,
          collection_.expected_sparsity ? ChoiceOrigin::kCollection : ChoiceOrigin::kInferred,
          fmt::format("{:.1f} % of the components {} zero, {} the threshold of {}: {}",
                      100 * *share, collection_.expected_sparsity ? "are expected to be" : "are",
                      *share > engine.sparsity_threshold ? "above" : "not above",
                      engine.sparsity_threshold,
                      *share > engine.sparsity_threshold
                          ? "sparse wherever a sample of a row group shows that it pays"
                          : "dense, but for rows that are sparse themselves")};
}

std::vector<StorageWay> Chooser::CompressionWays() const {
  return {{.policy = StoragePolicy::kSize},
          {.policy = StoragePolicy::kSize,
           .adaptive = false,
           .compression = configuration_.engine.compression}};
}

Decision Chooser::ChooseCompression(std::span<const StorageTrial> trials) {
  FlushingConfig& flushing = configuration_.pipeline.flushing;
  for (const std::string_view path :
       {"pipeline.flushing.enable_adaptive_compression", "engine.adaptive_compression"}) {
    if (!IsExplicit(path)) continue;
    return Explicitly(
        flushing.enable_adaptive_compression ? "adaptive" : CompressionName(flushing.compression),
        path);
  }
  if (trials.size() < 2) {
    return {
        flushing.enable_adaptive_compression ? "adaptive" : CompressionName(flushing.compression),
        ChoiceOrigin::kDefault,
        configuration_.engine.adaptive_compression
            ? "the engine tries each column of a file on a sample of its rows"
            : "there are no rows to try"};
  }
  const uint64_t adaptive = trials[0].bytes;
  const uint64_t fixed = trials[1].bytes;
  flushing.enable_adaptive_compression = adaptive < fixed;
  return {flushing.enable_adaptive_compression ? "adaptive" : CompressionName(flushing.compression),
          ChoiceOrigin::kInferred,
          fmt::format("a sample takes {} bytes with codecs by trial, {} with {}", adaptive, fixed,
                      trials[1].way.ToString())};
}

}  // namespace viper::factory
