#include "index/cluster_ranking.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "index/byte_row.h"
#include "index/exact_distance.h"
#include "index/probe_curve.h"
#include "index/row_code.h"
#include "kernels/kernel_table.h"

namespace viper::index {

bool IsNearer(const ClusterDistance& a, const ClusterDistance& b) {
  return a.value != b.value ? a.value < b.value : a.cluster < b.cluster;
}

namespace {

/// Bytes of centroids that are compared at once, and how many centroids at least.
constexpr size_t kCompareBytes = size_t{16} << 10;
constexpr size_t kComparedMin = 32;
/// Centroids whose bytes are asked for before they are compared.
constexpr size_t kComparedTogether = 64;
constexpr size_t kLineBytes = 64;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
/// Its square is finite.
constexpr float kDistanceMax = 1e18F;
/// Byte rows are enough if their error (three standard deviations) is at most this share of what is
/// between the nearest cluster and the one of this rank, and of the standard error of a row's code.
/// Data in a few far groups, whose centroids are long and near to each other within a group, need
/// their floats.
constexpr size_t kToldRank = 4;
constexpr float kErrorShareMax = 0.25F;
/// Codes choose among centroids as long as they spare the comparison of half of them.
constexpr size_t kConsideredMost = 2;
/// So many of the nearest by codes are compared for each rank that is wanted. Where a query is far
/// from all rows, distances differ little beside the error of codes.
constexpr size_t kConsideredPerRank = 3;
/// So many are put in order before it is known how many are probed.
constexpr size_t kOrderedFirst = 32;
/// So few are sorted by insertion.
constexpr size_t kInsertionMax = 12;
/// Those that share a bucket with the last one wanted are sorted by insertion if they are no more.
constexpr size_t kCrowdMax = 64;

void InsertInto(std::span<ClusterDistance> sorted, size_t end, const ClusterDistance& cluster) {
  size_t place = end;
  for (; place > 0 && IsNearer(cluster, sorted[place - 1]); --place) {
    sorted[place] = sorted[place - 1];
  }
  sorted[place] = cluster;
}

struct ValueRange {
  float least;
  float most;
};

/// Lanes, since each step of a single one waits for the step before.
ValueRange RangeOf(std::span<const ClusterDistance> clusters) {
  constexpr size_t kLanes = 4;
  float least[kLanes];
  float most[kLanes];
  std::fill_n(least, kLanes, clusters.front().value);
  std::fill_n(most, kLanes, clusters.front().value);
  for (size_t i = 0; i < clusters.size(); ++i) {
    least[i % kLanes] = std::min(least[i % kLanes], clusters[i].value);
    most[i % kLanes] = std::max(most[i % kLanes], clusters[i].value);
  }
  return {*std::min_element(least, least + kLanes), *std::max_element(most, most + kLanes)};
}

}  // namespace

float CentroidValue(const Model& model, uint32_t cluster, const float* query) {
  const kernels::KernelTable& kernel = kernels::Active();
  const auto* row = reinterpret_cast<const std::byte*>(model.centroid(cluster));
  float value = 0;
  if (model.metric() == Metric::kDot) {
    kernel.dot(row, 1, model.dim(), query, &value);
    return -value;
  }
  kernel.squared_l2(row, 1, model.dim(), query, &value);
  return value;
}

/// Clusters go into buckets by value, as many as there are clusters, which leaves few out of place
/// for the insertion sort of the first.
void ClusterSorter::Sort(std::span<ClusterDistance> clusters, size_t count) {
  const size_t all = clusters.size();
  if (all <= kInsertionMax) {
    for (size_t i = 1; i < all; ++i) InsertInto(clusters, i, ClusterDistance(clusters[i]));
    return;
  }
  const ValueRange range = RangeOf(clusters);
  const auto last = static_cast<float>(all - 1);
  const float scale = range.most > range.least ? last / (range.most - range.least) : 0;
  buckets_.resize(all);
  for (size_t i = 0; i < all; ++i) {
    // Infinite values, of centroids beyond half precision, make this no number: the first bucket.
    const float place = (clusters[i].value - range.least) * scale;
    buckets_[i] = place > 0 ? static_cast<int32_t>(std::min(place, last)) : 0;
  }
  bucket_ends_.assign(all + 1, 0);
  for (size_t i = 0; i < all; ++i) ++bucket_ends_[buckets_[i] + 1];
  for (size_t i = 0; i < all; ++i) bucket_ends_[i + 1] += bucket_ends_[i];
  sorted_.resize(all);
  for (size_t i = 0; i < all; ++i) sorted_[bucket_ends_[buckets_[i]]++] = clusters[i];
  // Those of the buckets that hold the first `count` are the nearest of all.
  const auto end = std::lower_bound(bucket_ends_.begin(), bucket_ends_.end() - 1, count);
  const size_t placed = end == bucket_ends_.end() - 1 ? all : *end;
  if (placed > count + kCrowdMax) {
    // Of values in a few far groups one bucket may hold half.
    std::partial_sort(sorted_.begin(), sorted_.begin() + static_cast<ptrdiff_t>(count),
                      sorted_.begin() + static_cast<ptrdiff_t>(placed), IsNearer);
    std::copy(sorted_.begin(), sorted_.end(), clusters.begin());
    return;
  }
  for (size_t i = 0; i < placed; ++i) InsertInto(clusters, i, sorted_[i]);
  std::copy(sorted_.begin() + static_cast<ptrdiff_t>(placed), sorted_.end(),
            clusters.begin() + static_cast<ptrdiff_t>(placed));
}

void ClusterRanker::Rank(PreparedQuery& query, const ClusterSelection* clusters, size_t count) {
  query_ = &query;
  clusters_ = clusters;
  ranked_.clear();
  compared_count_ = 0;
  ordered_count_ = 0;
  refined_count_ = 0;
  const Model& model = query.model();
  const size_t compared =
      std::max({kComparedMin, kCompareBytes / model.code_dim(), count + count / 2});
  left_ = clusters == nullptr ? model.cluster_count() : clusters->count();
  if (kConsideredMost * compared >= left_) {
    RankAll();
  } else {
    ScanCodes();
    picker_.Pick(values_, compared);
    AppendPicked();
    compared_count_ = ranked_.size();
    Compare(ranked_);
    Order(kOrderedFirst);
  }
  const bool are_told = AreTold();
  needs_floats_ = !are_told || !AreGoodForRows();
  if (!are_told) {
    // Then codes, whose error is many times that of bytes, have told nothing.
    RankAll();
    Refine(left_);
  }
  if (compared_count_ == left_) return;
  const size_t wanted = std::max(ProbeCurve::kRanksMax, 2 * count);
  if (wanted <= compared_count_) return;
  picker_.Pick(values_, wanted - compared_count_);
  AppendPicked();
  sorter_.Sort(std::span(ranked_).subspan(compared_count_), 0);
}

bool ClusterRanker::AreGoodForRows() const {
  if (ranked_.empty()) return true;
  const bool is_dot = query_->model().metric() == Metric::kDot;
  const float squared = is_dot ? query_->squared_norm() : std::max(0.0F, ranked_.front().value);
  const float code_error = TypicalError(query_->model().code_dim()) * std::sqrt(squared);
  return error_ <= kErrorShareMax * (is_dot ? code_error : 2 * code_error);
}

bool ClusterRanker::AreTold() const {
  if (compared_count_ < 2) return true;
  const float last = ranked_[std::min(compared_count_ - 1, kToldRank)].value;
  return error_ <= kErrorShareMax * (last - ranked_.front().value);
}

void ClusterRanker::RankAll() {
  const size_t count = query_->model().cluster_count();
  is_ranked_.assign(count, 0);
  size_t end = ranked_.size();
  for (const ClusterDistance& ranked : ranked_) is_ranked_[ranked.cluster] = 1;
  ranked_.resize(end + count);
  for (uint32_t cluster = 0; cluster < count; ++cluster) {
    ranked_[end].cluster = cluster;
    end += is_ranked_[cluster] == 0 && IsLeft(cluster) ? 1 : 0;
  }
  ranked_.resize(end);
  Compare(std::span(ranked_).subspan(compared_count_));
  compared_count_ = ranked_.size();
  Order(kOrderedFirst);
}

void ClusterRanker::Order(size_t count) {
  sorter_.Sort(std::span(ranked_).first(compared_count_), count);
  ordered_count_ = std::min(count, compared_count_);
}

void ClusterRanker::Refine(size_t count) {
  if (count <= refined_count_) return;
  const bool has_more = Consider(kConsideredPerRank * count);
  if (has_more || count > ordered_count_) Order(count);
  if (needs_floats_) {
    // A margin, since the order near the last one decides which are in.
    const auto refined = std::span(ranked_).first(std::min(ranked_.size(), count + count / 4));
    CompareFloats(refined);
    sorter_.Sort(refined, refined.size());
  }
  refined_count_ = count;
}

bool ClusterRanker::Consider(size_t count) {
  count = std::min(count, left_);
  if (count <= compared_count_) return false;
  if (kConsideredMost * count > left_) {
    RankAll();
    return true;
  }
  if (count > ranked_.size()) {
    picker_.Pick(values_, count - ranked_.size());
    AppendPicked();
  }
  Compare(std::span(ranked_).subspan(compared_count_));
  compared_count_ = ranked_.size();
  return true;
}

void ClusterRanker::CompareFloats(std::span<ClusterDistance> clusters) const {
  const Model& model = query_->model();
  const size_t bytes = model.dim() * sizeof(float);
  for (const ClusterDistance& cluster : clusters) {
    const auto* centroid = reinterpret_cast<const std::byte*>(model.centroid(cluster.cluster));
    for (size_t i = 0; i < bytes; i += kLineBytes) __builtin_prefetch(centroid + i);
  }
  for (ClusterDistance& cluster : clusters) {
    cluster.value = CentroidValue(model, cluster.cluster, query_->prepared());
  }
}

void ClusterRanker::ScanCodes() {
  const Model& model = query_->model();
  const kernels::KernelTable& kernel = kernels::Active();
  const size_t block_bytes = kernels::BlockBytes(model.planes());
  const size_t blocks = model.centroid_blocks().size() / block_bytes;
  values_.resize(blocks * kernels::kBlockRows);
  const float base = model.metric() == Metric::kDot ? 0 : query_->squared_norm();
  const kernels::BlockBound bound = {query_->table().scale, query_->centre(), base, kInfinity};
  for (size_t i = 0; i < blocks; ++i) {
    kernel.scan_block(model.centroid_blocks().data() + i * block_bytes, model.planes(),
                      query_->table().entries, bound, values_.data() + i * kernels::kBlockRows);
    if (clusters_ != nullptr) {
      HideValues(~clusters_->words()[i], values_.data() + i * kernels::kBlockRows);
    }
  }
}

void ClusterRanker::AppendPicked() {
  for (size_t block = 0; block < picker_.masks().size(); ++block) {
    for (uint64_t mask = picker_.masks()[block]; mask != 0; mask &= mask - 1) {
      const size_t cluster =
          block * kernels::kBlockRows + static_cast<size_t>(std::countr_zero(mask));
      ranked_.push_back({values_[cluster], static_cast<uint32_t>(cluster)});
      values_[cluster] = kInfinity;
    }
  }
}

void ClusterRanker::Compare(std::span<ClusterDistance> clusters) {
  const Model& model = query_->model();
  const ByteQuery& query = query_->bytes(ByteRows::kScaled);
  error_ = 0;
  const std::byte* rows[kComparedTogether];
  float estimates[kComparedTogether];
  float errors[kComparedTogether];
  for (size_t first = 0; first < clusters.size(); first += kComparedTogether) {
    const size_t count = std::min(kComparedTogether, clusters.size() - first);
    for (size_t i = 0; i < count; ++i) {
      rows[i] = model.byte_centroid(clusters[first + i].cluster);
      // The rest of a row follows by itself.
      __builtin_prefetch(rows[i]);
      __builtin_prefetch(rows[i] + kLineBytes);
    }
    query.Estimate(rows, count, estimates, errors);
    for (size_t i = 0; i < count; ++i) {
      clusters[first + i].value = estimates[i];
      error_ = std::max(error_, errors[i]);
    }
  }
}

void AppendProbeDistances(const Model& model, std::span<const float> query,
                          std::span<const ClusterDistance> ranked,
                          std::vector<float>& squared_distances) {
  if (model.metric() != Metric::kDot) {
    for (const ClusterDistance& cluster : ranked) squared_distances.push_back(cluster.value);
    return;
  }
  // As it is prepared.
  const double norm =
      std::min(std::sqrt(SquaredNormOf(query.data(), query.size())), double{Model::kReach});
  const auto largest = static_cast<float>(norm * model.max_centroid_norm());
  for (const ClusterDistance& cluster : ranked) {
    const float distance = std::clamp(largest + cluster.value, 0.0F, kDistanceMax);
    squared_distances.push_back(distance * distance);
  }
}

std::vector<ClusterDistance> RankClusters(const Model& model, std::span<const float> query,
                                          size_t count) {
  std::vector<float> prepared(model.dim());
  model.PrepareQuery(query.data(), prepared.data());
  std::vector<ClusterDistance> ranked(model.cluster_count());
  for (uint32_t i = 0; i < ranked.size(); ++i) {
    ranked[i] = {CentroidValue(model, i, prepared.data()), i};
  }
  const size_t kept = std::min(count, ranked.size());
  std::partial_sort(ranked.begin(), ranked.begin() + static_cast<ptrdiff_t>(kept), ranked.end(),
                    IsNearer);
  ranked.resize(kept);
  return ranked;
}

}  // namespace viper::index
