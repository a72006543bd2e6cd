#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "core/indexed_search.h"
#include "core/part.h"
#include "core/read_view.h"
#include "index/model.h"
#include "platform/thread_pool.h"
#include "viper/result.h"

namespace viper::core {

/// Some parts of a view, and their rows in one numbering: what goes into a segment. The view is not
/// needed afterwards.
class RowsOfParts {
 public:
  /// `parts` of the view, in rising order.
  RowsOfParts(const ReadView& view, const std::vector<size_t>& parts);
  /// All parts of the view.
  explicit RowsOfParts(const ReadView& view);

  uint64_t count() const { return count_; }
  const std::vector<std::shared_ptr<const Part>>& parts() const { return parts_; }

  Result<HeldFloats> Floats(uint64_t row) const;
  /// `count` rows, spread evenly, each moved at random inside its stretch; rising.
  std::vector<uint64_t> Sample(size_t count, uint64_t seed) const;
  Result<std::vector<float>> FloatsOf(std::span<const uint64_t> numbers, size_t dim) const;
  /// The k nearest rows of each of some queries (count x dim), nearest first. `view` is that of the
  /// constructor.
  Result<std::vector<std::vector<uint64_t>>> Nearest(const ReadView& view,
                                                     std::span<const float> queries, size_t k,
                                                     const ScanControl& control) const;

 private:
  void Add(const ReadView& view, size_t part);

  std::vector<size_t> sources_;  // of the view, rising
  std::vector<std::shared_ptr<const Part>> parts_;
  std::vector<uint64_t> firsts_;
  uint64_t count_ = 0;
};

/// A cluster that is not known.
inline constexpr uint32_t kUnknownCluster = std::numeric_limits<uint32_t>::max();

/// The cluster of every row, their mean squared distance to the centroids, and whether all rows are
/// whole numbers of a byte.
struct AssignedRows {
  std::vector<uint32_t> clusters;
  /// Rows that were compared with centroids.
  uint64_t compared_rows = 0;
  double mean_squared_distance = 0;
  bool are_whole = true;
};

/// Find the cluster of each row whose cluster is not in `known` (as KnownCodes::TakeClusters;
/// empty: none is); distances and whole numbers are of these rows only. `threads` may be null;
/// Cancelled when `progress` (share done, may be empty) returns false.
Result<AssignedRows> AssignRows(const RowsOfParts& rows,
                                const std::shared_ptr<const index::Model>& model,
                                std::vector<uint32_t> known, ThreadPool* threads,
                                const std::function<bool(double)>& progress);

}  // namespace viper::core
