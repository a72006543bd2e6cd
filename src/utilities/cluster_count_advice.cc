#include "utilities/cluster_count_advice.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "index/clustering.h"
#include "index/lloyd.h"

namespace viper::utilities {
namespace {

constexpr size_t kQueries = 100;
constexpr size_t kTruth = 10;
constexpr uint64_t kTriedMin = 4;

using Truth = std::vector<uint32_t>;

/// Numbers by the places of the smallest `count` of `distances`, nearest first.
std::vector<uint32_t> Smallest(const std::vector<double>& distances, size_t count) {
  std::vector<uint32_t> order(distances.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<uint32_t>(i);
  count = std::min(count, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    [&](uint32_t a, uint32_t b) {
                      return distances[a] != distances[b] ? distances[a] < distances[b] : a < b;
                    });
  order.resize(count);
  return order;
}

std::vector<Truth> TruthOf(const VectorRows& sample, const std::vector<uint32_t>& queries) {
  std::vector<Truth> truth;
  std::vector<double> distances(sample.count());
  for (const uint32_t query : queries) {
    for (size_t row = 0; row < sample.count(); ++row) {
      distances[row] = SquaredDistance(sample.row(query), sample.row(row), sample.dim);
    }
    distances[query] = HUGE_VAL;
    truth.push_back(Smallest(distances, kTruth));
  }
  return truth;
}

/// Per query and rank of a cluster: how many of the truth are in it, and how many rows.
struct RankSums {
  std::vector<double> found;
  std::vector<double> rows;
};

class ClusterTrial {
 public:
  ClusterTrial(const VectorRows& sample, const std::vector<uint32_t>& queries,
               const std::vector<Truth>& truth, const ClusterTrialOptions& options)
      : sample_(sample), queries_(queries), truth_(truth), options_(options) {}

  Result<ClusterCountTrial> Run(uint64_t clusters) const {
    VIPER_ASSIGN_OR_RETURN(
        const index::Clustering clustering,
        index::TrainClustering(sample_.floats.data(), sample_.count(), sample_.dim,
                               {.cluster_count = clusters, .seed = options_.seed}));
    std::vector<uint32_t> assigned(sample_.count());
    clustering.AssignExactly(sample_.floats.data(), sample_.count(), assigned.data(), nullptr);
    const RankSums sums = SumRanks(clustering, assigned);
    const double wanted =
        options_.recall * static_cast<double>(queries_.size()) * static_cast<double>(kTruth);
    double found = 0;
    double rows = 0;
    size_t probes = 0;
    while (probes < sums.found.size() && found < wanted) {
      found += sums.found[probes];
      rows += sums.rows[probes++];
    }
    ClusterCountTrial trial;
    trial.clusters = clustering.cluster_count();
    trial.probes = static_cast<double>(probes);
    trial.scanned_share = rows / static_cast<double>(queries_.size() * sample_.count());
    trial.cost = static_cast<double>(trial.clusters) +
                 trial.scanned_share * static_cast<double>(options_.rows);
    return trial;
  }

 private:
  RankSums SumRanks(const index::Clustering& clustering,
                    const std::vector<uint32_t>& assigned) const {
    const size_t count = clustering.cluster_count();
    std::vector<double> sizes(count, 0);
    for (const uint32_t cluster : assigned) ++sizes[cluster];
    RankSums sums{std::vector<double>(count, 0), std::vector<double>(count, 0)};
    std::vector<double> distances(count);
    std::vector<size_t> rank_of(count);
    for (size_t q = 0; q < queries_.size(); ++q) {
      for (size_t c = 0; c < count; ++c) {
        distances[c] = SquaredDistance(
            sample_.row(queries_[q]), clustering.centroids().data() + c * sample_.dim, sample_.dim);
      }
      const auto order = Smallest(distances, count);
      for (size_t rank = 0; rank < count; ++rank) {
        rank_of[order[rank]] = rank;
        sums.rows[rank] += sizes[order[rank]];
      }
      for (const uint32_t row : truth_[q]) sums.found[rank_of[assigned[row]]] += 1;
    }
    return sums;
  }

  const VectorRows& sample_;
  const std::vector<uint32_t>& queries_;
  const std::vector<Truth>& truth_;
  const ClusterTrialOptions& options_;
};

std::vector<uint64_t> CountsToTry(uint64_t most, const std::optional<uint64_t>& current) {
  std::vector<uint64_t> counts;
  for (double count = kTriedMin; count <= static_cast<double>(most); count *= std::sqrt(2.0)) {
    counts.push_back(static_cast<uint64_t>(count));
  }
  if (current && *current <= most) counts.push_back(*current);
  std::sort(counts.begin(), counts.end());
  counts.erase(std::unique(counts.begin(), counts.end()), counts.end());
  return counts;
}

}  // namespace

Result<ClusterCountAdvice> TryClusterCounts(const VectorRows& sample,
                                            const ClusterTrialOptions& options) {
  ClusterCountAdvice advice;
  advice.rows = options.rows;
  advice.sample_rows = sample.count();
  advice.recall = options.recall;
  advice.current_clusters = options.current_clusters;
  const uint64_t most = sample.count() / kTrialRowsPerCluster;
  if (most < kTriedMin) return advice;
  const auto queries =
      index::DrawNumbers(std::min(kQueries, sample.count()), sample.count(), options.seed);
  advice.queries = queries.size();
  const std::vector<Truth> truth = TruthOf(sample, queries);
  const ClusterTrial trial(sample, queries, truth, options);
  for (const uint64_t count : CountsToTry(most, options.current_clusters)) {
    VIPER_ASSIGN_OR_RETURN(const ClusterCountTrial tried, trial.Run(count));
    if (options.current_clusters == count) advice.current_cost = tried.cost;
    if (!advice.recommended_cost || tried.cost < *advice.recommended_cost) {
      advice.recommended_clusters = tried.clusters;
      advice.recommended_cost = tried.cost;
    }
    advice.trials.push_back(tried);
  }
  return advice;
}

}  // namespace viper::utilities
