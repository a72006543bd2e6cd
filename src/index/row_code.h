#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "viper/schema.h"

namespace viper::index {

/// 1-bit codes of rows, relative to the centroid of their cluster (RaBitQ: Gao and Long, "RaBitQ:
/// Quantizing High-Dimensional Vectors with a Theoretical Error Bound for Approximate Nearest
/// Neighbor Search", SIGMOD 2024). With r = o - c the residual of a rotated row, x its bits (x_i =
/// 1 where r_i > 0) and D the code's dimension, the inner product of any q with r is estimated,
/// without bias, by
///
///     <q, r>  ~  (2 |r|^2 / sum |r_i|) (<x, q> - sum q_i / 2)
///
/// so that, for l2, |q - o|^2 ~ addend + |q - c|^2 + factor (<x, q> - sum q_i / 2), and for dot
/// -<q, o> ~ -<q, c> + factor (<x, q> - sum q_i / 2). The standard deviation of the error is
/// |factor| times a number that hardly differs from row to row (ErrorShare) times |q - c| (l2) or
/// |q| (dot).

/// What a code says beside its bits.
struct RowFactors {
  /// Rounded down, 0 for dot.
  uint16_t addend = 0;
  /// Not positive; rounded away from zero.
  uint16_t factor = 0;
};

/// Half precision ends here: addends of padding rows, which no bound reaches.
inline constexpr uint16_t kHalfInfinity = 0x7C00;
/// And there: of rows that every bound lets pass.
inline constexpr uint16_t kHalfMinusInfinity = 0xFC00;

/// Encode a residual: `residual` and `centroid` (rotated) have 8 * planes floats; bit i of byte p
/// of `bits` is dimension 8p + i.
RowFactors EncodeRow(Metric metric, const float* residual, const float* centroid, size_t planes,
                     uint8_t* bits);

/// Put row `row` (0 to 63) of a block (kernels::BlockBytes) in place.
void StoreRow(const uint8_t* bits, const RowFactors& factors, size_t planes, size_t row,
              std::byte* block);
/// Put row `from` of another block of as many planes in place as row `row` of a block.
void CopyRow(const std::byte* from_block, size_t from, size_t planes, size_t row, std::byte* block);
/// Fill rows [first, 64) of a block so that no bound lets them pass.
void PadBlock(size_t planes, size_t first, std::byte* block);

/// `deviations` standard deviations of the error of an estimate, over |factor| |q - c|.
float ErrorShare(size_t code_dim, float deviations);
/// The standard deviation of the error of <q, r> for a residual of length one, over |q|.
float TypicalError(size_t code_dim);

}  // namespace viper::index
