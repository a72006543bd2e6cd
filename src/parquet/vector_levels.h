#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace viper::parquet {

/// Append `u32 length | levels`, RLE hybrid, as in front of the values of a V1 data page. At least
/// one level.
void AppendLevels(std::span<const int16_t> levels, int16_t max_level, std::vector<uint8_t>& out);

/// The levels of a V1 data page of required list<required float> in which every list has `dim`
/// elements: `u32 length | repetition levels | u32 length | definition levels`, both RLE hybrid.
/// All pages of one shape have equal bytes, so writers encode them once and readers compare.
std::vector<uint8_t> EncodeVectorLevels(size_t row_count, size_t dim);

/// True if `repetition` and `definition` (RLE hybrid, without length) say that the page holds
/// `value_count / dim` lists of exactly `dim` present elements. `max_definition` is the leaf's;
/// with 0 there are no definition levels. Throws ParquetException on malformed bytes.
bool AreDenseVectorLevels(std::span<const uint8_t> repetition, std::span<const uint8_t> definition,
                          int16_t max_definition, size_t value_count, size_t dim);

}  // namespace viper::parquet
