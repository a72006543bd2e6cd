#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "viper/result.h"

namespace viper::kernels {

/// The arithmetic of search for one instruction set. `rows` point at `row_count x dim` floats,
/// row-major, contiguous, at ANY byte address (mapped Parquet pages align to nothing); `queries`
/// are `query_count x dim` floats, row-major, aligned to 4. `dim` is 1 to 65,536; counts may be 0.
/// Nothing outside the rows and queries is read (fetching ahead may touch, but never faults).
///
/// Each (row, query) pair is summed in one order that depends on `dim` alone, so the answer for a
/// pair does not depend on how many rows or queries are passed along with it. Levels differ from
/// each other by rounding only, see RoundingsPerSum. Thread-safe.
struct KernelTable {
  std::string_view name;
  /// out[q * row_count + r] = sum_i rows[r][i] * queries[q][i]
  void (*dot)(const std::byte* rows, size_t row_count, size_t dim, const float* queries,
              size_t query_count, float* out) = nullptr;
  /// out[q * row_count + r] = sum_i (rows[r][i] - queries[q][i])^2
  void (*squared_l2)(const std::byte* rows, size_t row_count, size_t dim, const float* queries,
                     size_t query_count, float* out) = nullptr;
  /// out[r] = sum_i rows[r][i]^2
  void (*squared_norm)(const std::byte* rows, size_t row_count, size_t dim, float* out) = nullptr;
  /// dot with one query, and squared_norm, of the same rows: the same sums, but memory is read
  /// once.
  void (*dot_and_squared_norm)(const std::byte* rows, size_t row_count, size_t dim,
                               const float* query, float* dots, float* squared_norms) = nullptr;
};

/// An n such that at every level, unless a float overflows,
///     |computed - exact| <= n u / (1 - n u) * sum of |terms| + dim * FLT_MIN,   u = 2^-24
/// (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.1: n is how many
/// rounded operations the longest path from a component to the sum passes). With L lanes these are
/// ceil(dim / L) fused multiply-adds and log2(L) additions across lanes, and two for the difference
/// that squared_l2 squares; L is 4 to 16, so the steps are most at 4 and the additions most at 16.
/// The last term allows for products that underflow.
constexpr size_t RoundingsPerSum(size_t dim) { return dim / 4 + 1 + 4 + 2; }

/// The table in use: the best level this CPU has, or the one that the environment variable
/// VIPER_KERNEL names ("scalar", "avx2", "avx512", "neon"). An unknown or unsupported name stops
/// the process with a message at first use: a typo must not silently measure another kernel.
const KernelTable& Active();

/// Every level this CPU can run, scalar first, the best last.
std::vector<const KernelTable*> Available();

/// The level of that name; InvalidArgument if unknown, Unsupported if this CPU lacks it.
Result<const KernelTable*> ByName(std::string_view name);

}  // namespace viper::kernels
