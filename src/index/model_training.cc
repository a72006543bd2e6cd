#include "index/model_training.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/status_macros.h"
#include "index/cluster_ranking.h"
#include "index/index_search.h"
#include "kernels/kernel_table.h"

namespace viper::index {
namespace {

/// Rows of a cluster, on average: fewer make the centroids' share of the work grow, more the
/// blocks'.
constexpr uint64_t kRowsPerCluster = 333;
constexpr size_t kSamplePerCluster = 80;
/// Bits of a code at least: short codes of few dimensions say too little.
constexpr size_t kCodeDimMin = 64;
constexpr size_t kRowsTogether = 1024;
/// The numbers of neighbours that curves are fitted for.
constexpr std::array<size_t, 2> kCurveKs = {10, 100};
/// A calibration query sees this share of the clusters, which stands for all of them.
constexpr double kThoroughShare = 0.15;
constexpr size_t kThoroughProbesMin = 64;

size_t CodeDimFor(size_t dim) { return std::max(kCodeDimMin, (dim + 7) / 8 * 8); }

std::vector<float> MeanOf(std::span<const float> rows, size_t dim) {
  std::vector<double> sums(dim);
  const size_t count = rows.size() / dim;
  for (size_t row = 0; row < count; ++row) {
    for (size_t i = 0; i < dim; ++i) sums[i] += double{rows[row * dim + i]};
  }
  std::vector<float> mean(dim);
  for (size_t i = 0; i < dim; ++i)
    mean[i] = static_cast<float>(sums[i] / static_cast<double>(count));
  return mean;
}

void NormaliseRows(std::span<float> rows, size_t dim) {
  for (size_t first = 0; first < rows.size(); first += dim) {
    const std::span<float> row = rows.subspan(first, dim);
    double squared = 0;
    for (const float x : row) squared += double{x} * double{x};
    const auto inverse = static_cast<float>(squared > 0 ? 1 / std::sqrt(squared) : 0);
    for (float& x : row) x *= inverse;
  }
}

/// The factor that gives residuals a mean squared length of one.
float ScaleFor(const Clustering& clustering, std::span<const float> rows, size_t dim) {
  const size_t count = rows.size() / dim;
  std::vector<uint32_t> clusters(count);
  std::vector<float> squared(count);
  clustering.Assign(rows.data(), count, clusters.data(), squared.data());
  double sum = 0;
  for (const float x : squared) sum += double{x};
  const double mean = sum / static_cast<double>(std::max<size_t>(count, 1));
  if (mean > 1e-30) return static_cast<float>(1 / std::sqrt(mean));
  double norms = 0;
  for (const float x : rows) norms += double{x} * double{x};
  norms /= static_cast<double>(std::max<size_t>(count, 1));
  return norms > 1e-30 ? static_cast<float>(1 / std::sqrt(norms)) : 1;
}

}  // namespace

size_t ClusterCountFor(uint64_t row_count, size_t dim) {
  static_cast<void>(dim);
  return std::max<size_t>(1, row_count / kRowsPerCluster);
}

size_t SampleRowsFor(uint64_t row_count, size_t cluster_count) {
  return std::min<uint64_t>(row_count, cluster_count * kSamplePerCluster);
}

Result<std::shared_ptr<const Model>> TrainModel(std::vector<float> sample,
                                                const TrainingOptions& options) {
  const size_t dim = options.dim;
  ModelContent content;
  content.metric = options.metric;
  content.dim = dim;
  content.code_dim = CodeDimFor(dim);
  content.rotation_seed = options.seed;
  content.trained_rows = options.row_count;
  if (options.metric == Metric::kCosine) NormaliseRows(sample, dim);
  content.mean = MeanOf(sample, dim);
  for (size_t i = 0; i < sample.size(); ++i) sample[i] -= content.mean[i % dim];
  ClusteringOptions clustering_options;
  clustering_options.cluster_count = options.cluster_count;
  clustering_options.seed = options.seed;
  clustering_options.pool = options.pool;
  clustering_options.progress = options.progress;
  VIPER_ASSIGN_OR_RETURN(
      const Clustering clustering,
      TrainClustering(sample.data(), sample.size() / dim, dim, clustering_options));
  content.scale = ScaleFor(clustering, sample, dim);
  content.centroids.assign(clustering.centroids().begin(), clustering.centroids().end());
  for (float& x : content.centroids) x *= content.scale;
  return Model::Make(std::move(content));
}

ClusterAssigner::ClusterAssigner(std::shared_ptr<const Model> model)
    : model_(std::move(model)),
      clustering_(MakeClustering(model_->content().centroids, model_->dim())) {}

void ClusterAssigner::Assign(const std::byte* rows, size_t count, uint32_t* clusters) const {
  const size_t dim = model_->dim();
  std::vector<float> prepared(std::min(count, kRowsTogether) * dim);
  for (size_t first = 0; first < count; first += kRowsTogether) {
    const size_t some = std::min(kRowsTogether, count - first);
    model_->PrepareRows(rows + first * dim * sizeof(float), some, prepared.data());
    clustering_.Assign(prepared.data(), some, clusters + first, nullptr);
  }
}

namespace {

/// What one query teaches the curves of several k.
std::vector<ProbeCurve::Sample> SamplesOf(const Model& model, std::span<const float> query,
                                          std::span<const ScoredRow> found,
                                          std::span<const uint32_t> clusters,
                                          std::span<const size_t> ks) {
  const auto ranked = RankClusters(model, query, ProbeCurve::kRanksMax);
  std::vector<uint32_t> rank_of(model.cluster_count(), static_cast<uint32_t>(ranked.size()));
  ProbeCurve::Sample blank;
  blank.neighbours.resize(ranked.size());
  for (uint32_t rank = 0; rank < ranked.size(); ++rank) {
    rank_of[ranked[rank].cluster] = rank;
  }
  AppendProbeDistances(model, query, ranked, blank.squared_distances);
  std::vector<ProbeCurve::Sample> samples(ks.size(), blank);
  for (size_t i = 0; i < ks.size(); ++i) {
    for (const ScoredRow& hit : found.first(std::min(found.size(), ks[i]))) {
      const uint32_t rank = rank_of[clusters[hit.row]];
      if (rank < ranked.size()) ++samples[i].neighbours[rank];
    }
  }
  return samples;
}

/// Search for a stored row's neighbours; it is not one itself.
Result<std::vector<ProbeCurve::Sample>> TeachBy(IndexSearchRequest request, uint64_t number,
                                                std::span<const uint32_t> clusters) {
  VIPER_ASSIGN_OR_RETURN(const std::byte* row, request.floats(number));
  std::vector<float> query(request.model->dim());
  std::memcpy(query.data(), row, query.size() * sizeof(float));
  request.query = query;
  VIPER_ASSIGN_OR_RETURN(auto found, IndexSearch(request, nullptr));
  std::erase_if(found, [&](const ScoredRow& hit) { return hit.row == number; });
  return SamplesOf(*request.model, query, found, clusters, kCurveKs);
}

}  // namespace

Result<std::shared_ptr<const Model>> FitProbes(
    const std::shared_ptr<const Model>& model, const Segment& segment,
    std::span<const uint32_t> clusters, std::span<const uint64_t> queries,
    const std::function<Result<const std::byte*>(uint64_t row)>& floats, ThreadPool* pool) {
  const SearchedSegment searched = {.segment = &segment};
  IndexSearchRequest request;
  request.model = model.get();
  request.segments = {&searched, 1};
  request.k = kCurveKs.back() + 1;
  request.recall = 0.999;
  request.probes =
      std::max(kThoroughProbesMin,
               static_cast<size_t>(kThoroughShare * static_cast<double>(model->cluster_count())));
  request.floats = floats;
  std::vector<std::vector<ProbeCurve::Sample>> taught(queries.size());
  std::vector<Status> statuses(queries.size());
  const auto teach = [&](size_t i) {
    auto samples = TeachBy(request, queries[i], clusters);
    statuses[i] = samples.status();
    if (samples.ok()) taught[i] = std::move(*samples);
  };
  if (pool != nullptr) {
    pool->ParallelFor(queries.size(), teach);
  } else {
    for (size_t i = 0; i < queries.size(); ++i) teach(i);
  }
  for (const Status& status : statuses) VIPER_RETURN_IF_ERROR(status);
  ModelContent content = model->content();
  content.probes.clear();
  for (size_t i = 0; i < kCurveKs.size() && !taught.empty(); ++i) {
    std::vector<ProbeCurve::Sample> samples;
    for (auto& of_query : taught) samples.push_back(std::move(of_query[i]));
    content.probes.push_back(ProbeCurve::Fit(samples, kCurveKs[i]));
  }
  return Model::Make(std::move(content));
}

}  // namespace viper::index
