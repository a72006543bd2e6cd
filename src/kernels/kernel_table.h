#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "kernels/code_block.h"
#include "kernels/panel.h"
#include "viper/result.h"

namespace viper::kernels {

/// Bytes of a block of 64 codes of `planes` bytes each; layout: code_block.h.
constexpr size_t BlockBytes(size_t planes) { return planes * kBlockRows + 4 * kBlockRows; }

/// The arithmetic of search for one instruction set. `rows` point at `row_count x dim` floats,
/// row-major, contiguous, at ANY byte address (mapped Parquet pages align to nothing); a `query` is
/// `dim` floats, aligned to 4. `dim` is 1 to 65,536; counts may be 0. Nothing outside the rows and
/// the query is read (fetching ahead may touch, but never faults).
///
/// Each (row, query) pair is summed in one order that depends on `dim` alone, so the answer for a
/// pair does not depend on how many rows are passed along with it. Levels differ from each other by
/// rounding only, see RoundingsPerSum. Thread-safe.
struct KernelTable {
  std::string_view name;
  /// out[r] = sum_i rows[r][i] * query[i]
  void (*dot)(const std::byte* rows, size_t row_count, size_t dim, const float* query,
              float* out) = nullptr;
  /// out[r] = sum_i (rows[r][i] - query[i])^2
  void (*squared_l2)(const std::byte* rows, size_t row_count, size_t dim, const float* query,
                     float* out) = nullptr;
  /// out[r] = sum_i rows[r][i]^2
  void (*squared_norm)(const std::byte* rows, size_t row_count, size_t dim, float* out) = nullptr;
  /// dot and squared_norm of the same rows: the same sums, but memory is read once.
  void (*dot_and_squared_norm)(const std::byte* rows, size_t row_count, size_t dim,
                               const float* query, float* dots, float* squared_norms) = nullptr;

  /// Bytes of the tables of a query against codes of `planes` bytes (1 to 8,192).
  size_t (*table_bytes)(size_t planes) = nullptr;
  /// Fill `table->entries`, `scale` and `offset` for a query of `8 * planes` floats whose absolute
  /// values sum to a finite one. |offset + scale * S - exact| is at most scale * (number of
  /// look-ups) / 2, and rounding; the look-ups are 2 * planes, and at level avx512_vbmi planes + a
  /// third, rounded up. A query with no absolute value of 1e-37 or more gets the scale 0.
  void (*build_table)(const float* query, size_t planes, CodeTable* table) = nullptr;
  /// The value of BlockBound for each of the 64 rows, into `values`. Bit r of the result: values[r]
  /// < threshold. All levels but avx512_vbmi share a layout of tables, and their tables agree bit
  /// for bit but for the offset; of equal S and bounds every level makes equal values.
  uint64_t (*scan_block)(const std::byte* block, size_t planes, const uint8_t* entries,
                         const BlockBound& bound, float* values) = nullptr;

  /// out[part * row_count + r] = sum_i rows[r][i] * query[part * dim + i], of whole numbers: rows
  /// are `dim` bytes of 0 to 255 each, at any address; the query has `parts` (1 or 2) parts of
  /// `dim` numbers of -128 to 127. Exact as long as the true sum fits in 32 bits; no step
  /// saturates.
  void (*dot_bytes)(const std::byte* const* rows, size_t row_count, size_t dim, const int8_t* query,
                    size_t parts, int32_t* out) = nullptr;

  /// The Walsh-Hadamard transform of `size` (a power of two) floats in place, not scaled. All
  /// levels agree bit for bit: sums and differences at distance 1, then 2, 4 and so on.
  void (*hadamard)(float* values, size_t size) = nullptr;

  /// The nearest of the vectors in `panels` for each of `row_count` rows of `dim` floats, see
  /// NearestSlot. Rows are aligned to 4 and lie anywhere, so that those which are compared with the
  /// same panels need not be copied together. Of equal scores the lowest slot counts; where no
  /// score is a number, slot 0 with the score -infinity. `scores` (may be null): those of all
  /// slots, row_count x (kPanelLanes * panels.count), row-major.
  void (*nearest)(const float* const* rows, size_t row_count, size_t dim, const PanelList& panels,
                  NearestSlot* nearest, float* scores) = nullptr;

  /// Bit l of masks[r * panels.count + p]: the score of lane l of panel p for row r, its bias taken
  /// scales[r] times, is not below floors[r]; a score that is no number is not. Returns whether
  /// any bit is set. For its rounding see RoundingsPerScore. Lanes that hold no vector say
  /// nothing where scales[r] is not a positive number.
  bool (*mask_not_below)(const RowRun& rows, size_t dim, const PanelList& panels,
                         const float* scales, const float* floors, uint16_t* masks) = nullptr;

  /// Sums of one pair in double precision, both sides at any address; every level gives the same
  /// bits.
  double (*exact_dot)(const std::byte* row, const std::byte* other, size_t dim) = nullptr;
  double (*exact_squared_l2)(const std::byte* row, const std::byte* other, size_t dim) = nullptr;

  /// Bit i of masks[b]: values[64 * b + i] <= limit. NaN is not. Returns how many bits are set.
  size_t (*mask_not_above)(const float* values, size_t block_count, float limit,
                           uint64_t* masks) = nullptr;
};

/// An n such that at every level, unless a float overflows,
///     |computed - exact| <= n u / (1 - n u) * sum of |terms| + dim * FLT_MIN,   u = 2^-24
/// (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.1: n is how many
/// rounded operations the longest path from a component to the sum passes). With L lanes these are
/// ceil(dim / L) fused multiply-adds and log2(L) additions across lanes, and two for the difference
/// that squared_l2 squares; L is 4 to 16, so the steps are most at 4 and the additions most at 16.
/// The last term allows for products that underflow.
constexpr size_t RoundingsPerSum(size_t dim) { return dim / 4 + 1 + 4 + 2; }

/// The same n for the score of a panel, its scaled bias being one of the terms, and dim + 1 times
/// FLT_MIN: the first product is rounded by itself and by the `dim` additions that follow.
constexpr size_t RoundingsPerScore(size_t dim) { return dim + 1; }

/// The table in use: the best level this CPU has, or the one that the environment variable
/// VIPER_KERNEL names ("scalar", "neon", "avx2", "avx512", "avx512_vbmi"). An unknown or
/// unsupported name stops the process with a message at first use: a typo must not silently measure
/// another kernel.
const KernelTable& Active();

/// Every level this CPU can run, scalar first, the best last.
std::vector<const KernelTable*> Available();

/// The level of that name; InvalidArgument if unknown, Unsupported if this CPU lacks it.
Result<const KernelTable*> ByName(std::string_view name);

}  // namespace viper::kernels
