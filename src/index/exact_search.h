#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/bitmap.h"
#include "base/held_floats.h"
#include "base/stop_signal.h"
#include "index/exact_distance.h"
#include "index/top_rows.h"
#include "kernels/kernel_table.h"
#include "platform/thread_pool.h"
#include "viper/result.h"
#include "viper/schema.h"

namespace viper::index {

/// A run of rows to compare: `row_count x dim` floats at any byte address (null where open_block
/// gives them). Row i of the block has the number `first_row + i` in the caller's numbering.
struct RowBlock {
  const std::byte* floats = nullptr;
  size_t row_count = 0;
  uint64_t first_row = 0;
  /// Which rows take part: bit `selection_offset + i` for row i. Null = all. Not owned.
  const Bitmap* selection = nullptr;
  size_t selection_offset = 0;
};

struct ExactSearchRequest {
  Metric metric = Metric::kCosine;
  size_t dim = 0;
  std::span<const RowBlock> blocks;
  /// `query_count x dim`, row-major, finite.
  std::span<const float> queries;
  size_t query_count = 0;
  /// May exceed the number of rows.
  size_t k = 0;
  /// An upper bound of the Euclidean norm of every row (for bounds on rounding; kCosine does
  /// without it). Infinity is allowed, and slow.
  double max_norm = 0;
  /// Order of two rows (numbers as in RowBlock) of equal distance; called only for ties, from
  /// several threads at once if there is a pool. Rows that it does not order are ordered by number.
  TieLess tie_less;
  /// Splits the work of large scans; null = this thread only.
  ThreadPool* pool = nullptr;
  /// Gives the floats of a block (its index in `blocks`), in place of RowBlock::floats, to a thread
  /// that is about to read them and holds them until it is through; a failure ends the search with
  /// it. Called from several threads at once if there is a pool. Null = the blocks have them.
  std::function<Result<HeldFloats>(size_t)> open_block;
  /// Asked every few thousand rows. Null = the search runs to its end.
  const StopSignal* stop = nullptr;
  const kernels::KernelTable* kernel = nullptr;  // null = kernels::Active()
};

/// The k nearest selected rows of each query, exactly: by (ExactDistance, tie_less), as if every
/// distance had been computed in double precision. Scans in single precision, and computes in
/// double those rows of which the bound on the rounding error of the scan does not prove that they
/// are farther than k others. Rows that are not finite come last, at distance infinity. Result:
/// query_count lists of at most k rows, best first; the same for any pool and kernel. Fails only as
/// open_block and stop do.
Result<std::vector<std::vector<ScoredRow>>> ExactSearch(const ExactSearchRequest& request);

}  // namespace viper::index
