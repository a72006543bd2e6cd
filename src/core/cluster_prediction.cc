#include "core/cluster_prediction.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/finite.h"
#include "base/status_macros.h"
#include "core/indexed_search.h"
#include "index/cluster_ranking.h"
#include "kernels/kernel_table.h"

namespace viper::core {
namespace {

Status CheckVector(const CollectionContext& context, std::span<const float> vector) {
  if (vector.size() != context.dim) {
    return Status::InvalidArgument(fmt::format(
        "predict: the vector's dimension is not the collection's: expected={} actual={}",
        context.dim, vector.size()));
  }
  if (const auto bad = FindNotFinite(vector)) {
    return Status::InvalidArgument(
        fmt::format("predict: component {} is not finite: {}", *bad, vector[*bad]));
  }
  const bool is_zero = std::all_of(vector.begin(), vector.end(), [](float x) { return x == 0; });
  if (context.metric == Metric::kCosine && is_zero) {
    return Status::InvalidArgument(
        "predict: a vector of zeros has no direction, and under cosine no cluster");
  }
  return {};
}

Status WithoutIndex(const CollectionContext& context) {
  return Status::FailedPrecondition(
      fmt::format("collection '{}' has no index: there are no clusters to predict", context.name));
}

/// The distance that a value of the prepared space stands for.
double PlainDistance(const index::Model& model, std::span<const float> query, float value) {
  const double scale = model.content().scale;
  if (model.metric() != Metric::kDot) return std::sqrt(std::max(0.0, double{value})) / scale;
  const auto& mean = model.content().mean;
  return double{value} / scale - std::inner_product(query.begin(), query.end(), mean.begin(), 0.0);
}

}  // namespace

Result<ClusterPrediction> PredictOptimalCluster(const CollectionContext& context,
                                                std::span<const float> vector) {
  VIPER_RETURN_IF_ERROR(CheckVector(context, vector));
  const auto files = context.read->index.files();
  if (files == nullptr || files->model == nullptr) return WithoutIndex(context);
  const index::Model& model = *files->model;
  std::vector<float> prepared(model.dim());
  model.PrepareRows(std::as_bytes(vector).data(), 1, prepared.data());
  std::vector<float> squared(model.cluster_count());
  kernels::Active().squared_l2(reinterpret_cast<const std::byte*>(model.centroid(0)),
                               squared.size(), model.dim(), prepared.data(), squared.data());
  const auto nearest = std::min_element(squared.begin(), squared.end());
  const double scale = model.content().scale;
  ClusterPrediction prediction;
  prediction.id = {context.name, model.id(), static_cast<uint32_t>(nearest - squared.begin())};
  prediction.distance = std::sqrt(std::max(0.0, double{*nearest})) / scale;
  prediction.margin = 1;
  if (squared.size() == 1) return prediction;
  *nearest = std::numeric_limits<float>::infinity();
  const float second = *std::min_element(squared.begin(), squared.end());
  prediction.second_distance = std::sqrt(std::max(0.0, double{second})) / scale;
  prediction.margin =
      *prediction.second_distance > 0 ? 1 - prediction.distance / *prediction.second_distance : 0;
  return prediction;
}

Result<std::vector<RelevantCluster>> PredictRelevantClusters(
    const CollectionContext& context, const std::shared_ptr<const ReadView>& view,
    std::span<const float> query, const SearchOptions& options) {
  VIPER_RETURN_IF_ERROR(CheckVector(context, query));
  if (!(options.recall > 0 && options.recall < 1)) {
    return Status::InvalidArgument(
        fmt::format("predict: recall must be above 0 and below 1: actual={}", options.recall));
  }
  std::vector<RelevantCluster> relevant;
  ViewSelector& selector = context.read->selector;
  const FilterKey key(options.filter);
  const StopSignal never;
  VIPER_ASSIGN_OR_RETURN(const auto selection,
                         selector.Select(view, key, context.ExpiryNow(), never, nullptr));
  const SearchTask task = {{query, 1}, &options, &never, nullptr};
  std::shared_ptr<const ViewIndex> view_index;
  std::optional<std::vector<index::PlannedProbe>> planned;
  // A damaged segment is as good as none, as for searches.
  while (!planned) {
    view_index = context.read->index.For(view);
    if (view_index == nullptr) return WithoutIndex(context);
    if (options.k == 0) return relevant;
    const index::Segment* damaged = nullptr;
    const auto selected = selector.SelectInIndex(view_index, selection, key, &damaged);
    auto made = selected.ok() ? PlanThroughIndex(*view, *view_index, **selected, task, &damaged)
                              : Result<std::vector<index::PlannedProbe>>(selected.status());
    if (damaged != nullptr) {
      context.read->index.Drop(damaged);
      continue;
    }
    VIPER_RETURN_IF_ERROR(made.status());
    planned = std::move(*made);
  }
  const index::Model& model = *view_index->files->model;
  for (const index::PlannedProbe& probe : *planned) {
    RelevantCluster& cluster = relevant.emplace_back();
    cluster.id = {context.name, model.id(), probe.cluster};
    cluster.distance = PlainDistance(model, query, probe.value);
    if (probe.expected_share) cluster.probability = *probe.expected_share;
    for (const ViewIndex::Segment& segment : view_index->segments) {
      cluster.row_count += segment.segment->cluster(probe.cluster).row_count;
    }
  }
  return relevant;
}

}  // namespace viper::core
