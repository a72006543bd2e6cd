#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "viper/result.h"

namespace viper::parquet {

/// What the footer of a Parquet file says of one leaf column, summed over its row groups.
struct ColumnLayout {
  /// Dotted, as in "_vector.list.element".
  std::string path;
  /// As Parquet spells them, such as "INT64" and "Timestamp(...)"; the second may be "None".
  std::string physical_type;
  std::string logical_type;
  /// Each once, sorted; of levels and dictionaries too.
  std::vector<std::string> encodings;
  /// Each once, sorted.
  std::vector<std::string> compressions;
  uint64_t compressed_bytes = 0;
  uint64_t uncompressed_bytes = 0;
  /// Absent if a row group does not tell.
  std::optional<uint64_t> null_count;
  bool has_bloom_filter = false;
};

/// What is in a Parquet file, without its rows.
struct PartLayout {
  uint64_t row_count = 0;
  uint64_t row_groups = 0;
  uint64_t footer_bytes = 0;
  std::string created_by;
  std::map<std::string, std::string> key_values;
  std::vector<ColumnLayout> columns;
};

/// Read the footer of a file. Corruption.
Result<PartLayout> ReadPartLayout(std::span<const std::byte> bytes);

/// The bloom filters of one column, by which other readers pass over row groups. Not thread-safe.
class ColumnBloomFilters {
 public:
  /// Read those of the top-level column `name`. The bytes must outlive the object. Corruption.
  static Result<ColumnBloomFilters> Open(std::span<const std::byte> bytes, std::string_view name);
  ~ColumnBloomFilters();
  ColumnBloomFilters(ColumnBloomFilters&&) noexcept;

  /// False if the filter of the row group says that this text is not in it. True without a filter.
  bool MayHold(size_t row_group, std::string_view text) const;

 private:
  struct Filters;
  explicit ColumnBloomFilters(std::unique_ptr<Filters> filters);
  std::unique_ptr<Filters> filters_;
};

}  // namespace viper::parquet
