// How the levels are made:
//
// 1. Groups: a few iterations of k-means over the centroids.
// 2. Neighbours: of the centroids of one group, searched among the members of the groups whose
// means
//    are nearest to its own. That is approximate, which is all that a first guess of a row's
//    neighbourhood needs, and takes time proportional to count^1.5 instead of count^2.

#include "index/centroid_levels.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "index/lloyd.h"
#include "index/parallel.h"

namespace viper::index {
namespace {

constexpr size_t kGroupIterations = 6;
/// The levels depend on the centroids alone, so the seed is nobody's choice.
constexpr uint64_t kGroupSeed = 0x76697065;
/// Centroids among which the neighbours of a group's members are searched, at least.
constexpr size_t kCandidates = 1024;

std::vector<float> LessOrigin(const CentroidList& centroids) {
  const std::span<const float> origin = centroids.origin();
  std::vector<float> centred(centroids.vectors().begin(), centroids.vectors().end());
  for (size_t i = 0; i < centred.size(); ++i) centred[i] -= origin[i % origin.size()];
  return centred;
}

double SquaredDistance(const float* a, const float* b, size_t dim) {
  double sum = 0;
  for (size_t i = 0; i < dim; ++i) sum += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
  return sum;
}

std::vector<float> GatherRows(const std::vector<float>& rows, std::span<const uint32_t> numbers,
                              size_t dim) {
  std::vector<float> gathered;
  gathered.reserve(numbers.size() * dim);
  for (const uint32_t number : numbers) {
    const float* row = rows.data() + number * dim;
    gathered.insert(gathered.end(), row, row + dim);
  }
  return gathered;
}

const std::byte* BytesOf(const std::vector<float>& rows) {
  return std::as_bytes(std::span(rows)).data();
}

}  // namespace

CentroidLevels::CentroidLevels(const CentroidList& centroids, ThreadPool* pool) {
  if (centroids.count() < kCentroidsMin) return;
  const size_t dim = centroids.dim();
  const std::vector<float> centred = LessOrigin(centroids);
  FormGroups(centroids, centred);
  neighbours_.resize(centroids.count() * kNeighbours);
  ForEach(pool, groups_.size(), [&](size_t group) {
    std::vector<std::pair<double, size_t>> by_distance;
    for (size_t other = 0; other < groups_.size(); ++other) {
      by_distance.emplace_back(SquaredDistance(group_means_.data() + group * dim,
                                               group_means_.data() + other * dim, dim),
                               other);
    }
    std::sort(by_distance.begin(), by_distance.end());
    std::vector<uint32_t> candidates;
    for (const auto& [distance, other] : by_distance) {
      const std::vector<uint32_t>& members = groups_[other].members;
      candidates.insert(candidates.end(), members.begin(), members.end());
      if (candidates.size() >= kCandidates) break;
    }
    FindNeighbours(centroids, centred, group, candidates);
  });
}

void CentroidLevels::FormGroups(const CentroidList& centroids, const std::vector<float>& centred) {
  const size_t dim = centroids.dim();
  const auto count = static_cast<size_t>(std::sqrt(static_cast<double>(centroids.count())));
  LloydResult grouping =
      RunLloyd(centred.data(), centroids.count(), dim,
               {.cluster_count = count, .iterations = kGroupIterations, .seed = kGroupSeed});
  groups_.resize(count);
  for (uint32_t c = 0; c < centroids.count(); ++c) {
    groups_[grouping.clusters[c]].members.push_back(c);
  }
  // A group may have lost its last member to another; a row must not end there.
  size_t kept = 0;
  for (size_t g = 0; g < count; ++g) {
    if (groups_[g].members.empty()) continue;
    std::copy_n(grouping.centroids.data() + g * dim, dim, grouping.centroids.data() + kept * dim);
    if (kept != g) groups_[kept] = std::move(groups_[g]);
    ++kept;
  }
  groups_.resize(kept);
  grouping.centroids.resize(kept * dim);
  group_means_ = std::move(grouping.centroids);
  PackVectors(group_means_.data(), kept, dim, group_panels_);
  for (Group& group : groups_) centroids.Pack(group.members, group.panels);
}

void CentroidLevels::FindNeighbours(const CentroidList& centroids,
                                    const std::vector<float>& centred, size_t group,
                                    std::span<const uint32_t> candidates) {
  const size_t dim = centroids.dim();
  const std::vector<uint32_t>& members = groups_[group].members;
  const std::vector<float> rows = GatherRows(centred, candidates, dim);
  const std::vector<float> queries = GatherRows(centred, members, dim);
  std::vector<float> dots(candidates.size() * members.size());
  kernels::Active().dot(BytesOf(rows), candidates.size(), dim, queries.data(), members.size(),
                        dots.data());
  std::vector<std::pair<float, uint32_t>> by_score(candidates.size());
  for (size_t m = 0; m < members.size(); ++m) {
    for (size_t i = 0; i < candidates.size(); ++i) {
      const uint32_t candidate = candidates[i];
      const float score = dots[m * candidates.size() + i] + centroids.bias(candidate);
      by_score[i] = {candidate == members[m] ? -INFINITY : -score, candidate};
    }
    std::nth_element(by_score.begin(), by_score.begin() + kNeighbours, by_score.end());
    uint32_t* neighbours = neighbours_.data() + members[m] * kNeighbours;
    for (size_t i = 0; i < kNeighbours; ++i) neighbours[i] = by_score[i].second;
    std::sort(neighbours, neighbours + kNeighbours);
  }
}

}  // namespace viper::index
