#include "core/search_plan.h"

#include <algorithm>
#include <cmath>

#include "index/cluster_ranking.h"
#include "kernels/code_block.h"

namespace viper::core {
namespace {

// Nanoseconds of one thread of a busy server with AVX-512, rounded, as searches of a million rows
// of 128 dimensions took, and of smaller sets with more. What counts is their ratio, which is about
// the same on other machines: nearly every step waits for memory.

/// So many bytes of rows or of an index, and more, are reached as slowly as told below; fewer, of
/// which more stay in the caches, faster in proportion, though not beyond the least share.
constexpr double kFarBytes = 8 << 20;
constexpr double kReachShareMin = 0.1;
/// Reach a row somewhere in memory: misses of the cache and of the page table.
constexpr double kReachRowNs = 80;
/// Copy and compare a float of such a row; read one of rows that follow each other.
constexpr double kScatteredFloatNs = 0.4;
constexpr double kFloatNs = 0.2;
/// Multiply and add a float that is in the cache, for one more query of a batch.
constexpr double kSharedFloatNs = 0.022;
/// Look at a word of the selection.
constexpr double kWordNs = 0.7;
/// From this share of the rows on they are read one after the other.
constexpr double kDenseShare = 0.75;
/// Prepare a query, and a component of it: rotation, tables, finding out how far to look. Rank a
/// centroid.
constexpr double kPrepareNs = 2000;
constexpr double kPrepareFloatNs = 4;
constexpr double kCentroidNs = 3;
/// Reach a block of codes that was asked for ahead, and scan a byte of it.
constexpr double kReachBlockNs = 100;
constexpr double kCodeByteNs = 0.02;
/// Compare a row by its bytes: reach its number and it, both asked for ahead, and read a byte of
/// it.
constexpr double kReachByteRowNs = 120;
constexpr double kRowByteNs = 0.1;
/// Rows that are compared by bytes: this many for each hit wanted, and this share of those whose
/// codes are scanned.
constexpr double kComparedPerHit = 6;
constexpr double kComparedShare = 0.02;

constexpr size_t kTypicalQueries = 16;

double ReachShare(double bytes) { return std::clamp(bytes / kFarBytes, kReachShareMin, 1.0); }

double ExactCost(const SearchWork& work, uint64_t selected_rows, uint64_t rows) {
  const auto selected = static_cast<double>(selected_rows);
  const auto dim = static_cast<double>(work.dim);
  const auto queries = static_cast<double>(work.query_count);
  const bool is_dense = selected >= kDenseShare * static_cast<double>(rows);
  const double reach_ns =
      kReachRowNs * ReachShare(static_cast<double>(work.rows) * dim * sizeof(float));
  const double row_ns = is_dense ? dim * kFloatNs : reach_ns + dim * kScatteredFloatNs;
  const double words_ns = static_cast<double>(rows) / 64 * kWordNs;
  return words_ns + selected * (row_ns + std::max(0.0, queries - 1) * dim * kSharedFloatNs);
}

double IndexCost(const SearchWork& work, const IndexWork& index) {
  const double share =
      index.selected_clusters == 0
          ? 0
          : std::min(1.0, index.probes / static_cast<double>(index.selected_clusters));
  const double blocks = share * static_cast<double>(index.blocks);
  const double rows = share * static_cast<double>(index.selected_rows);
  const double compared =
      std::min(rows, kComparedPerHit * static_cast<double>(work.k) + kComparedShare * rows);
  const auto row_bytes = static_cast<double>(index.row_bytes);
  const auto block_bytes = static_cast<double>(index.block_bytes);
  const double reach_share =
      ReachShare(static_cast<double>(work.rows) * (row_bytes + block_bytes / kernels::kBlockRows));
  const double row_ns = reach_share * kReachByteRowNs + kRowByteNs * row_bytes;
  const double scan_ns = blocks * (reach_share * kReachBlockNs + kCodeByteNs * block_bytes);
  // Where few rows of a block are left, all of them are compared and the block is not scanned.
  return kPrepareNs + kPrepareFloatNs * static_cast<double>(work.dim) +
         kCentroidNs * static_cast<double>(index.clusters) +
         std::min(scan_ns + compared * row_ns, rows * row_ns);
}

}  // namespace

PlanCosts EstimateCosts(const SearchWork& work) {
  PlanCosts costs;
  costs.exact_ns = ExactCost(work, work.selected_rows, work.rows);
  if (!work.index) return costs;
  const uint64_t others =
      work.selected_rows - std::min(work.selected_rows, work.index->selected_rows);
  costs.index_ns = static_cast<double>(work.query_count) * IndexCost(work, *work.index) +
                   (others == 0 ? 0 : ExactCost(work, others, others));
  return costs;
}

std::vector<float> TypicalProbeDistances(const index::Model& model) {
  const size_t clusters = model.cluster_count();
  const size_t ranks = std::min(clusters, index::ProbeCurve::kRanksMax);
  const size_t queries = std::min(clusters, kTypicalQueries);
  std::vector<float> typical(ranks);
  std::vector<index::ClusterDistance> ranked(clusters);
  std::vector<float> distances;
  for (size_t i = 0; i < queries; ++i) {
    const auto cluster = static_cast<uint32_t>(i * clusters / queries);
    const std::span<const float> query(model.centroid(cluster), model.dim());
    for (uint32_t other = 0; other < clusters; ++other) {
      ranked[other] = {index::CentroidValue(model, other, query.data()), other};
    }
    std::partial_sort(ranked.begin(), ranked.begin() + static_cast<ptrdiff_t>(ranks), ranked.end(),
                      index::IsNearer);
    distances.clear();
    index::AppendProbeDistances(model, query, std::span(ranked).first(ranks), distances);
    for (size_t rank = 0; rank < ranks; ++rank) {
      typical[rank] += distances[rank] / static_cast<float>(queries);
    }
  }
  // A query is not its own centroid: about as far from it as from the next.
  if (ranks > 1) typical[0] = typical[1];
  return typical;
}

double ExpectedProbes(const index::Model& model, const std::vector<float>& squared_distances,
                      const index::ProbeGoal& goal, double k) {
  if (goal.cluster_count == 0) return 0;
  index::ProbeCounter counter(model.content().probes, squared_distances, {}, goal);
  return static_cast<double>(counter.ProbesFor(k));
}

}  // namespace viper::core
