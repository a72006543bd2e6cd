// How centroids are found (hierarchical k-means with refinement; Kuffo et al., "SuperKMeans", 2026,
// measure the same scheme):
//
// 1. About sqrt(k) coarse clusters, by k-means over a part of the sample.
// 2. Every row of the sample to its coarse cluster; k-means inside each, for as many clusters as it
//    has a share of the rows. All this takes time for about 20 n sqrt(k) distances instead of
//    10 n k.
// 3. Global refinement: every row to the nearest of the neighbours of its cluster, wherever they
//    came from, then the centroids to the means of their rows.
// 4. Clusters far smaller than the mean are dissolved, and their centroids put into the largest
//    ones; then a last refinement. Clusters without a row are left out.
//
// Few clusters skip 1 and 2 and compare with all centroids.
//
// The result does not depend on the pool: rows are assigned each by itself, and the mean of a
// cluster is summed in the order of its rows by one thread.

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>
#include <utility>

#include "index/clustering.h"
#include "index/lloyd.h"
#include "index/parallel.h"
#include "index/row_assignment.h"
#include "index/row_groups.h"

namespace viper::index {
namespace {

constexpr size_t kCoarseIterations = 10;
constexpr size_t kInnerIterations = 8;
constexpr size_t kFlatIterations = 10;
constexpr size_t kRefinements = 2;
/// Rows per coarse cluster that train it.
constexpr size_t kRowsPerCoarseCluster = 256;
/// Rows that one thread assigns at a time.
constexpr size_t kRowsPerTask = 4096;
constexpr size_t kClustersPerTask = 16;
/// A cluster below 1/8 of the mean size is dissolved, one above 4 times the mean is split.
constexpr size_t kDissolvedShare = 8;
constexpr size_t kSplitFactor = 4;

/// Counts work done by all threads and tells the caller's thread's callback about it.
class Progress {
 public:
  Progress(const std::function<bool(double)>& callback, double total)
      : callback_(callback), total_(total), owner_(std::this_thread::get_id()) {}

  /// So much more is done; false = stop.
  bool Advance(double work) {
    double done = done_.load(std::memory_order_relaxed);
    while (!done_.compare_exchange_weak(done, done + work, std::memory_order_relaxed)) {
    }
    if (callback_ && !cancelled() && std::this_thread::get_id() == owner_ &&
        !callback_(std::min((done + work) / total_, 1.0))) {
      cancelled_.store(true, std::memory_order_relaxed);
    }
    return !cancelled();
  }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

 private:
  const std::function<bool(double)>& callback_;
  const double total_;
  const std::thread::id owner_;
  std::atomic<double> done_{0};
  std::atomic<bool> cancelled_{false};
};

class Training {
 public:
  Training(const float* rows, size_t row_count, size_t dim, const ClusteringOptions& options)
      : rows_(rows),
        row_count_(row_count),
        dim_(dim),
        cluster_count_(std::min(options.cluster_count, row_count)),
        seed_(options.seed),
        pool_(options.pool),
        progress_(options.progress, TotalWork()),
        clusters_(row_count) {}

  Result<Clustering> Run();

 private:
  bool flat() const { return cluster_count_ < CentroidLevels::kCentroidsMin; }
  double TotalWork() const;
  double RefinementWork() const;

  /// Steps of the training; false = cancelled.
  bool TrainFlat();
  bool TrainCoarse();
  bool TrainInner();
  bool Refine();
  void Rebalance();

  bool Split(uint32_t large, uint32_t small, const RowGroups& groups);
  uint32_t NearestOther(uint32_t cluster) const;
  std::vector<float> GatherRows(std::span<const uint32_t> numbers) const;
  void TrainInside(std::span<const uint32_t> members, size_t first_cluster, size_t count,
                   uint64_t seed);
  void MoveCentroids();
  void DropEmptyClusters();
  size_t count() const { return centroids_.size() / dim_; }

  const float* const rows_;
  const size_t row_count_;
  const size_t dim_;
  const size_t cluster_count_;
  const uint64_t seed_;
  ThreadPool* const pool_;
  Progress progress_;

  CentroidList coarse_;
  std::vector<float> centroids_;
  std::vector<uint32_t> clusters_;  // per row; its coarse cluster, later its cluster
  std::vector<size_t> sizes_;       // per cluster
};

double Training::RefinementWork() const {
  const size_t compared = flat() ? cluster_count_ : CentroidLevels::kNeighbours;
  return static_cast<double>(row_count_) * static_cast<double>(compared);
}

/// In distances.
double Training::TotalWork() const {
  const auto rows = static_cast<double>(row_count_);
  const auto clusters = static_cast<double>(cluster_count_);
  const double refinement = static_cast<double>(kRefinements + 1) * RefinementWork();
  if (flat()) return rows * clusters * static_cast<double>(kFlatIterations) + refinement;
  return rows * std::sqrt(clusters) * (1.0 + kInnerIterations) + refinement;
}

Result<Clustering> Training::Run() {
  bool going = progress_.Advance(0);
  going = going && (flat() ? TrainFlat() : TrainCoarse() && TrainInner());
  for (size_t i = 0; i < kRefinements && going; ++i) going = Refine();
  if (going) Rebalance();
  if (!going || !Refine()) return Status::Cancelled("training of clusters was cancelled");
  DropEmptyClusters();
  return MakeClustering(std::move(centroids_), dim_);
}

std::vector<float> Training::GatherRows(std::span<const uint32_t> numbers) const {
  std::vector<float> gathered;
  gathered.reserve(numbers.size() * dim_);
  for (const uint32_t number : numbers) {
    const float* row = rows_ + number * dim_;
    gathered.insert(gathered.end(), row, row + dim_);
  }
  return gathered;
}

bool Training::TrainFlat() {
  centroids_.resize(cluster_count_ * dim_);
  TrainInside(NumbersTo(row_count_), 0, cluster_count_, seed_);
  return progress_.Advance(static_cast<double>(row_count_ * cluster_count_ * kFlatIterations));
}

bool Training::TrainCoarse() {
  const auto count = static_cast<size_t>(std::sqrt(static_cast<double>(cluster_count_)));
  const size_t sample_size = std::min(row_count_, count * kRowsPerCoarseCluster);
  std::vector<float> sample = GatherRows(DrawNumbers(sample_size, row_count_, seed_));
  const CentroidList mean(sample, dim_);
  for (size_t i = 0; i < sample.size(); ++i) sample[i] -= mean.origin()[i % dim_];
  LloydResult result =
      RunLloyd(sample.data(), sample_size, dim_,
               {.cluster_count = count, .iterations = kCoarseIterations, .seed = seed_});
  for (size_t i = 0; i < result.centroids.size(); ++i) {
    result.centroids[i] += mean.origin()[i % dim_];
  }
  coarse_ = CentroidList(std::move(result.centroids), dim_);

  const CentroidLevels no_levels;
  const size_t tasks = (row_count_ + kRowsPerTask - 1) / kRowsPerTask;
  ForEach(pool_, tasks, [&](size_t task) {
    if (progress_.cancelled()) return;
    const size_t first = task * kRowsPerTask;
    const size_t rows = std::min(kRowsPerTask, row_count_ - first);
    RowAssigner(coarse_, no_levels)
        .AssignExactly(rows_ + first * dim_, rows, clusters_.data() + first);
    progress_.Advance(static_cast<double>(rows * count));
  });
  return progress_.Advance(0);
}

/// Share out `total` clusters in proportion to the sizes: at least one to each that is not empty,
/// none gets more than its size. `total` lies between the number of non-empty sizes and their sum.
std::vector<size_t> ShareOut(size_t total, const RowGroups& groups) {
  std::vector<size_t> shares(groups.group_count());
  size_t rows_left = groups.rows.size();
  size_t clusters_left = total;
  // Each takes its share of what is left, so that what rounding takes from one goes to the next.
  size_t nonempty_left = 0;
  for (size_t g = 0; g < shares.size(); ++g) nonempty_left += groups.group(g).empty() ? 0 : 1;
  for (size_t g = 0; g < shares.size(); ++g) {
    const size_t size = groups.group(g).size();
    if (size == 0) continue;
    --nonempty_left;
    const size_t share = (clusters_left * size + rows_left / 2) / rows_left;
    rows_left -= size;
    const size_t most = std::min(size, clusters_left - nonempty_left);
    const size_t least = clusters_left > rows_left ? clusters_left - rows_left : 1;
    shares[g] = std::clamp(share, std::max(least, size_t{1}), most);
    clusters_left -= shares[g];
  }
  return shares;
}

bool Training::TrainInner() {
  const RowGroups groups = GroupRows(clusters_, coarse_.count());
  const std::vector<size_t> shares = ShareOut(cluster_count_, groups);
  std::vector<size_t> first_cluster(shares.size() + 1);
  for (size_t g = 0; g < shares.size(); ++g) first_cluster[g + 1] = first_cluster[g] + shares[g];
  centroids_.resize(cluster_count_ * dim_);
  ForEach(pool_, groups.group_count(), [&](size_t g) {
    if (groups.group(g).empty() || progress_.cancelled()) return;
    TrainInside(groups.group(g), first_cluster[g], shares[g], seed_ + g + 1);
    progress_.Advance(static_cast<double>(groups.group(g).size() * shares[g] * kInnerIterations));
  });
  return progress_.Advance(0);
}

void Training::TrainInside(std::span<const uint32_t> members, size_t first_cluster, size_t count,
                           uint64_t seed) {
  std::vector<float> rows = GatherRows(members);
  const CentroidList mean(rows, dim_);
  for (size_t i = 0; i < rows.size(); ++i) rows[i] -= mean.origin()[i % dim_];
  const LloydResult result = RunLloyd(rows.data(), members.size(), dim_,
                                      {.cluster_count = count,
                                       .iterations = flat() ? kFlatIterations : kInnerIterations,
                                       .seed = seed});
  float* centroids = centroids_.data() + first_cluster * dim_;
  for (size_t i = 0; i < result.centroids.size(); ++i) {
    centroids[i] = result.centroids[i] + mean.origin()[i % dim_];
  }
  for (size_t i = 0; i < members.size(); ++i) {
    clusters_[members[i]] = static_cast<uint32_t>(first_cluster) + result.clusters[i];
  }
}

bool Training::Refine() {
  const CentroidList list(centroids_, dim_);
  const CentroidLevels levels(list, pool_);
  if (levels.empty()) {
    RowAssigner(list, levels).AssignExactly(rows_, row_count_, clusters_.data());
    MoveCentroids();
    return progress_.Advance(RefinementWork());
  }
  const RowGroups groups = GroupRows(clusters_, list.count());
  std::vector<float> scores(row_count_, -INFINITY);
  const size_t tasks = (list.count() + kClustersPerTask - 1) / kClustersPerTask;
  ForEach(pool_, tasks, [&](size_t task) {
    if (progress_.cancelled()) return;
    RowAssigner assigner(list, levels);
    const size_t last = std::min((task + 1) * kClustersPerTask, list.count());
    for (size_t c = task * kClustersPerTask; c < last; ++c) {
      assigner.StepToNeighbours(rows_, groups.group(c), static_cast<uint32_t>(c), clusters_.data(),
                                scores.data(), nullptr);
    }
    progress_.Advance(RefinementWork() / static_cast<double>(tasks));
  });
  if (progress_.Advance(0)) MoveCentroids();
  return !progress_.cancelled();
}

void Training::MoveCentroids() {
  const RowGroups groups = GroupRows(clusters_, count());
  sizes_.assign(count(), 0);
  const size_t tasks = (count() + kClustersPerTask - 1) / kClustersPerTask;
  ForEach(pool_, tasks, [&](size_t task) {
    std::vector<double> sums(dim_);
    const size_t last = std::min((task + 1) * kClustersPerTask, count());
    for (size_t c = task * kClustersPerTask; c < last; ++c) {
      const std::span<const uint32_t> members = groups.group(c);
      sizes_[c] = members.size();
      if (members.empty()) continue;
      std::fill(sums.begin(), sums.end(), 0.0);
      for (const uint32_t row : members) {
        for (size_t d = 0; d < dim_; ++d) sums[d] += rows_[row * dim_ + d];
      }
      for (size_t d = 0; d < dim_; ++d) {
        centroids_[c * dim_ + d] = static_cast<float>(sums[d] / static_cast<double>(sizes_[c]));
      }
    }
  });
}

void Training::Rebalance() {
  const size_t mean_size = row_count_ / count();
  const RowGroups groups = GroupRows(clusters_, count());
  std::vector<uint32_t> by_size = NumbersTo(count());
  std::stable_sort(by_size.begin(), by_size.end(),
                   [&](uint32_t a, uint32_t b) { return sizes_[a] < sizes_[b]; });
  // From both ends: the smallest makes room for a half of the largest.
  size_t smallest = 0;
  for (size_t largest = by_size.size() - 1; largest > smallest; --largest) {
    const size_t small_size = sizes_[by_size[smallest]];
    const size_t large_size = sizes_[by_size[largest]];
    const bool too_small =
        small_size * kDissolvedShare < mean_size && (small_size == 0 || large_size > 2 * mean_size);
    const bool too_large = large_size > mean_size * kSplitFactor && small_size < mean_size / 2;
    if ((!too_small && !too_large) || large_size < 2) return;
    if (Split(by_size[largest], by_size[smallest], groups)) ++smallest;
  }
}

bool Training::Split(uint32_t large, uint32_t small, const RowGroups& groups) {
  const std::span<const uint32_t> members = groups.group(large);
  std::vector<float> rows = GatherRows(members);
  float* large_centroid = centroids_.data() + large * dim_;
  float* small_centroid = centroids_.data() + small * dim_;
  for (size_t i = 0; i < rows.size(); ++i) rows[i] -= large_centroid[i % dim_];
  const LloydResult halves =
      RunLloyd(rows.data(), members.size(), dim_,
               {.cluster_count = 2, .iterations = kInnerIterations, .seed = seed_ + large});
  const auto moved =
      static_cast<size_t>(std::count(halves.clusters.begin(), halves.clusters.end(), 1U));
  // Equal rows cannot be told apart.
  if (moved == 0 || moved == members.size()) return false;

  // Where the rows of the dissolved cluster begin to look for their new one.
  const uint32_t refuge = NearestOther(small);
  for (const uint32_t row : groups.group(small)) clusters_[row] = refuge;
  for (size_t i = 0; i < members.size(); ++i) {
    if (halves.clusters[i] == 1) clusters_[members[i]] = small;
  }
  for (size_t d = 0; d < dim_; ++d) {
    small_centroid[d] = large_centroid[d] + halves.centroids[dim_ + d];
    large_centroid[d] += halves.centroids[d];
  }
  return true;
}

uint32_t Training::NearestOther(uint32_t cluster) const {
  std::vector<float> distances(count());
  kernels::Active().squared_l2(std::as_bytes(std::span(centroids_)).data(), count(), dim_,
                               centroids_.data() + cluster * dim_, 1, distances.data());
  distances[cluster] = INFINITY;
  return static_cast<uint32_t>(std::min_element(distances.begin(), distances.end()) -
                               distances.begin());
}

void Training::DropEmptyClusters() {
  size_t kept = 0;
  for (size_t c = 0; c < sizes_.size(); ++c) {
    if (sizes_[c] == 0) continue;
    if (kept != c) std::copy_n(centroids_.data() + c * dim_, dim_, centroids_.data() + kept * dim_);
    ++kept;
  }
  centroids_.resize(kept * dim_);
}

}  // namespace

Result<Clustering> TrainClustering(const float* sample, size_t row_count, size_t dim,
                                   const ClusteringOptions& options) {
  if (row_count == 0 || dim == 0 || options.cluster_count == 0) {
    return Status::InvalidArgument("training of clusters needs rows, a dim and a cluster count");
  }
  return Training(sample, row_count, dim, options).Run();
}

}  // namespace viper::index
