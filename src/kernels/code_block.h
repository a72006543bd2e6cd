#pragma once

#include <cstddef>
#include <cstdint>

namespace viper::kernels {

/// Rows whose 1-bit codes lie together. A block of `planes` bytes of code a row is
///
///     planes x 64 bytes   plane p, byte r = dimensions 8p .. 8p + 7 of row r, bit i = dimension
///                         8p + i
///     64 x 2 bytes        addend of row r, half precision
///     64 x 2 bytes        factor of row r, half precision
///
/// (the byte planes of the index format; little-endian; blocks start at any address, and are read
/// fastest where that is a multiple of 64, as are `values` written).
inline constexpr size_t kBlockRows = 64;

/// A query as look-up tables for scan_block of the same level: for the code x of a row,
///     sum_i x_i q_i  is about  offset + scale * S(x)
/// where S is the whole number that the tables sum to, at most 65,535.
struct CodeTable {
  /// As long as table_bytes(planes) asks for; 64-byte aligned.
  uint8_t* entries = nullptr;
  float scale = 0;
  float offset = 0;
};

/// What scan_block computes of the sum S of each row: addend + base + factor * (scale * S + shift),
/// as fma(factor, fma(scale, S, shift), addend + base). Kept if it is below `threshold`.
struct BlockBound {
  float scale = 0;
  float shift = 0;
  float base = 0;
  float threshold = 0;
};

/// The step of the entries of a query's tables, and how many steps there are to 1; both 0 if the
/// query is too small for a step.
struct TableScale {
  float scale = 0;
  float inverse = 0;
};

/// The scale for `lookups` tables, the widest of which spans `range`. An entry is 63 at most, so
/// that four add up in a byte, and less where all of them would not in 16 bits: above 1,040 tables.
TableScale ChooseTableScale(float range, size_t lookups);

}  // namespace viper::kernels
