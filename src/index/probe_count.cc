#include "index/probe_count.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "index/probe_curve.h"

namespace viper::index {
namespace {

/// Times that the share near the query is measured: over the clusters that the one before led to.
constexpr int kRounds = 4;
/// Weight of the share of all rows against that of the rows near the query, in matching rows for
/// each of the k wanted.
constexpr double kPriorRows = 1;
/// What may be missed under a filter is this share of what may be missed without. The share near a
/// query is an estimate: where it is too high more recall is lost than is won where it is too low.
constexpr double kFilteredMiss = 0.8;
/// With this share of the rows the k-th is about as far away as with all: some are deleted, say.
constexpr double kNearlyAll = 0.9;
/// Under a filter at least so many rows that take part are looked at: comparing them costs about
/// what preparing the query and ranking the clusters does.
constexpr uint64_t kFilteredRowsMin = 400;

/// Of each of the nearest clusters the share of its rows that takes part. Returns how many.
size_t SharesOf(const ClusterSelection& clusters, std::span<const ClusterDistance> ranked,
                std::array<float, ProbeCurve::kRanksMax>& shares) {
  const size_t count = std::min(ranked.size(), shares.size());
  for (size_t rank = 0; rank < count; ++rank) {
    const uint32_t cluster = ranked[rank].cluster;
    shares[rank] = static_cast<float>(clusters.SelectedIn(cluster)) /
                   static_cast<float>(clusters.RowsIn(cluster));
  }
  return count;
}

/// How many of the nearest clusters hold kFilteredRowsMin rows that take part; all that are
/// ranked if they do not.
size_t ProbesMin(const ClusterSelection& clusters, std::span<const ClusterDistance> ranked) {
  uint64_t rows = 0;
  for (size_t rank = 0; rank < ranked.size(); ++rank) {
    rows += clusters.SelectedIn(ranked[rank].cluster);
    if (rows >= kFilteredRowsMin) return rank + 1;
  }
  return ranked.size();
}

/// The share of the rows of the nearest `count` clusters that takes part, leaning on that of all.
double ShareNear(const ClusterSelection& clusters, std::span<const ClusterDistance> ranked,
                 size_t count, double prior_rows) {
  double rows = prior_rows / clusters.selected_share();
  double selected = prior_rows;
  for (const ClusterDistance& rank : ranked.first(std::min(count, ranked.size()))) {
    rows += static_cast<double>(clusters.RowsIn(rank.cluster));
    selected += static_cast<double>(clusters.SelectedIn(rank.cluster));
  }
  return selected / rows;
}

}  // namespace

size_t CountProbes(const ProbeQuery& query) {
  const ClusterSelection* clusters = query.clusters;
  const auto k = static_cast<double>(query.k);
  const std::span<const ProbeCurve> curves = query.model->content().probes;
  const ProbeDistances distances(query.squared_distances, query.opening,
                                 clusters == nullptr || clusters->selected_share() > kNearlyAll);
  if (clusters == nullptr) {
    const ProbeGoal goal = {query.recall, query.model->cluster_count(),
                            static_cast<double>(query.row_count)};
    return ProbeCounter(curves, distances, {}, goal).ProbesFor(k);
  }
  if (clusters->count() == 0) return 0;
  const bool is_filtered = clusters->selected_share() < 1;
  const double recall = is_filtered ? 1 - kFilteredMiss * (1 - query.recall) : query.recall;
  const ProbeGoal goal = {recall, clusters->count(), static_cast<double>(clusters->reached_rows())};
  std::array<float, ProbeCurve::kRanksMax> shares;
  const size_t count = SharesOf(*clusters, query.ranked, shares);
  ProbeCounter counter(curves, distances, std::span(shares).first(count), goal);
  // Which rows match is chance to the query: how many of all are nearer than the k-th of them
  // varies by the root of k.
  const double wanted = is_filtered ? k + std::sqrt(k) : k;
  size_t probes = counter.ProbesFor(wanted / clusters->selected_share());
  for (int round = 0; round < kRounds; ++round) {
    probes = counter.ProbesFor(wanted / ShareNear(*clusters, query.ranked, probes, kPriorRows * k));
  }
  return is_filtered ? std::max(probes, ProbesMin(*clusters, query.ranked)) : probes;
}

}  // namespace viper::index
