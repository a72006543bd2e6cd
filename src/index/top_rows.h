#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace viper::index {

struct ScoredRow {
  uint64_t row = 0;
  /// In double precision, by Metric's definition (L2 is the root).
  double distance = 0;

  friend bool operator==(const ScoredRow&, const ScoredRow&) = default;
};

/// Order of two rows of equal distance. Empty = by number.
using TieLess = std::function<bool(uint64_t, uint64_t)>;

/// The k nearest of the rows offered so far, by (distance, tie_less, number): which rows they are
/// does not depend on the order of the offers. Distances must not be NaN. Not thread-safe.
class TopRows {
 public:
  /// `tie_less` is not owned.
  TopRows(size_t k, const TieLess& tie_less) : k_(k), tie_less_(&tie_less) {}

  /// k rows are held: only one that is not farther than `worst_distance` can still get in.
  bool full() const { return heap_.size() == k_; }
  double worst_distance() const { return heap_.front().distance; }

  void Offer(const ScoredRow& candidate);
  /// Offer all rows of `other`.
  void Merge(const TopRows& other);
  /// Best first.
  std::vector<ScoredRow> TakeSorted() &&;

 private:
  bool Nearer(const ScoredRow& a, const ScoredRow& b) const;

  size_t k_;
  const TieLess* tie_less_;
  std::vector<ScoredRow> heap_;  // the farthest in front
};

}  // namespace viper::index
