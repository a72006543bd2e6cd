#include "index/model_training.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstring>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "index/cluster_ranking.h"
#include "index/index_search.h"
#include "index/parallel.h"
#include "kernels/kernel_table.h"

namespace viper::index {
namespace {

/// Rows of a cluster, on average: fewer make the centroids' share of the work grow, more the
/// blocks'.
constexpr uint64_t kRowsPerCluster = 333;
constexpr size_t kSamplePerCluster = 80;
constexpr size_t kSamplePerClusterMin = 64;
/// Fewer than this part of the clusters make searches too slow to be worth an index.
constexpr size_t kClusterPartMin = 32;
/// Bits of a code at least: short codes of few dimensions say too little.
constexpr size_t kCodeDimMin = 64;
constexpr size_t kRowsTogether = 1024;
/// Squares of single precision that are as good as zero beside 1.
constexpr double kResolution = 1e-12;
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
  double norms = 0;
  for (const float x : rows) norms += double{x} * double{x};
  // Residuals that are rounding errors of the rows say nothing about their size.
  const double mean =
      (sum > kResolution * norms ? sum : norms) / static_cast<double>(std::max<size_t>(count, 1));
  return mean > 1e-30 ? static_cast<float>(1 / std::sqrt(mean)) : 1;
}

}  // namespace

size_t ClusterCountFor(uint64_t row_count, size_t dim) {
  static_cast<void>(dim);
  return std::max<size_t>(1, row_count / kRowsPerCluster);
}

size_t SampleRowsFor(uint64_t row_count, size_t cluster_count) {
  return std::min<uint64_t>(row_count, cluster_count * kSamplePerCluster);
}

size_t TrainingBytes(const TrainingSize& size, size_t dim, size_t thread_count) {
  // The centroids, the lists and panels made of them, sums in double precision; their rotated form.
  const size_t floats_per_centroid = 6 * dim + 2 * CodeDimFor(dim);
  return ClusteringBytes(size.sample_rows, size.cluster_count, dim, thread_count) +
         size.cluster_count * floats_per_centroid * sizeof(float) +
         size.sample_rows * (sizeof(uint32_t) + sizeof(float));
}

Result<TrainingSize> SizeTraining(uint64_t row_count, size_t dim, size_t thread_count,
                                  size_t memory_bytes) {
  const size_t wanted_clusters = ClusterCountFor(row_count, dim);
  const auto fits = [&](const TrainingSize& size) {
    return TrainingBytes(size, dim, thread_count) <= memory_bytes;
  };
  const auto at_least = [&](size_t clusters) -> TrainingSize {
    return {clusters, std::min<uint64_t>(row_count, clusters * kSamplePerClusterMin)};
  };
  TrainingSize size = {wanted_clusters, SampleRowsFor(row_count, wanted_clusters)};
  if (fits(size)) return size;
  if (fits(at_least(wanted_clusters))) {
    // Between the two: the most that fits, to a row for each cluster.
    size = at_least(wanted_clusters);
    while (fits({wanted_clusters, size.sample_rows + wanted_clusters})) {
      size.sample_rows += wanted_clusters;
    }
    return size;
  }
  const size_t fewest = std::max<size_t>(1, wanted_clusters / kClusterPartMin);
  if (!fits(at_least(fewest))) {
    return Status::ResourceExhausted(fmt::format(
        "index: the memory is too small for the smallest sample: needed={} allowed={} clusters={} "
        "sampled_rows={}",
        TrainingBytes(at_least(fewest), dim, thread_count), memory_bytes, fewest,
        at_least(fewest).sample_rows));
  }
  size_t few = fewest;
  size_t many = wanted_clusters;
  while (many - few > 1) {
    const size_t middle = few + (many - few) / 2;
    (fits(at_least(middle)) ? few : many) = middle;
  }
  return at_least(few);
}

Result<std::shared_ptr<const Model>> TrainModel(std::vector<float> sample,
                                                const TrainingOptions& options) {
  const size_t dim = options.dim;
  ModelContent content;
  content.metric = options.metric;
  content.dim = dim;
  content.code_dim = CodeDimFor(dim);
  content.rotation_seed = options.seed;
  content.record.trained_rows = options.row_count;
  content.record.sampled_rows = sample.size() / dim;
  content.record.wanted_rows =
      SampleRowsFor(options.row_count, ClusterCountFor(options.row_count, dim));
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

void ClusterAssigner::Assign(const std::byte* rows, size_t count, uint32_t* clusters,
                             float* squared_distances) const {
  const size_t dim = model_->dim();
  std::vector<float> prepared(std::min(count, kRowsTogether) * dim);
  for (size_t first = 0; first < count; first += kRowsTogether) {
    const size_t some = std::min(kRowsTogether, count - first);
    model_->PrepareRows(rows + first * dim * sizeof(float), some, prepared.data());
    clustering_.Assign(prepared.data(), some, clusters + first,
                       squared_distances == nullptr ? nullptr : squared_distances + first);
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
  request.queries = query;
  VIPER_ASSIGN_OR_RETURN(auto answers, IndexSearch(request, nullptr));
  std::vector<ScoredRow>& found = answers.front();
  std::erase_if(found, [&](const ScoredRow& hit) { return hit.row == number; });
  return SamplesOf(*request.model, query, found, clusters, kCurveKs);
}

}  // namespace

Result<std::shared_ptr<const Model>> FitProbes(const std::shared_ptr<const Model>& model,
                                               const ProbeTraining& training) {
  const SearchedSegment searched = {.segment = training.segment};
  IndexSearchRequest request;
  request.model = model.get();
  request.segments = {&searched, 1};
  request.k = kCurveKs.back() + 1;
  request.recall = 0.999;
  request.probes =
      std::max(kThoroughProbesMin,
               static_cast<size_t>(kThoroughShare * static_cast<double>(model->cluster_count())));
  request.floats = training.floats;
  const size_t count = training.queries.size();
  std::vector<std::vector<ProbeCurve::Sample>> taught(count);
  std::vector<Status> statuses(count);
  std::atomic<size_t> done{0};
  std::atomic<bool> stopped{false};
  ForEach(training.pool, count, [&](size_t i) {
    if (stopped) return;
    auto samples = TeachBy(request, training.queries[i], training.clusters);
    statuses[i] = samples.status();
    if (samples.ok()) taught[i] = std::move(*samples);
    const double share = static_cast<double>(++done) / static_cast<double>(count);
    if (training.progress && !training.progress(share)) stopped = true;
  });
  if (stopped) return Status::Cancelled("index: fitting the probe curves was cancelled");
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
