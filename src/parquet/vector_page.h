#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <parquet/column_page.h>

namespace viper::parquet {

/// The parts of a decompressed data page of a list column.
struct PageParts {
  /// RLE hybrid, without length.
  std::span<const uint8_t> repetition;
  std::span<const uint8_t> definition;
  std::span<const uint8_t> values;
  /// Both level blocks with their lengths, as they lie in a V1 page; empty in V2.
  std::span<const uint8_t> levels;
};

/// Find the parts. Absent if they do not lie inside the page, or levels are not RLE.
std::optional<PageParts> SplitPage(const ::parquet::DataPage& page, int16_t max_definition);

/// Tells whether a page holds lists of exactly `dim` present elements. Remembers the level bytes of
/// the last page that does, which nearly all pages of a file share, so that most are only compared.
class DenseLevelChecker {
 public:
  DenseLevelChecker(size_t dim, int16_t max_definition);
  /// Throws ParquetException on malformed levels.
  bool AreDense(const PageParts& parts, size_t value_count);

 private:
  size_t dim_;
  int16_t max_definition_;
  size_t dense_value_count_ = 0;
  std::vector<uint8_t> dense_levels_;
};

/// The rows that begin in a page.
struct RowStarts {
  uint64_t count = 0;
  /// False if the page begins within a row of the page before it.
  bool begins_with_row = true;
};
/// Count them by the repetition levels. Absent if there are fewer levels than values; throws
/// ParquetException on malformed ones.
std::optional<RowStarts> CountRowStarts(const PageParts& parts, size_t value_count);

/// The first of `floats` that is infinite or not a number. At any byte address.
std::optional<size_t> FindNotFinite(std::span<const std::byte> floats);

}  // namespace viper::parquet
