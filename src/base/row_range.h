#pragma once

#include <cstdint>

namespace viper {

/// Rows [first, first + count) of a part.
struct RowRange {
  uint64_t first = 0;
  uint64_t count = 0;

  uint64_t end() const { return first + count; }
  friend bool operator==(const RowRange&, const RowRange&) = default;
};

}  // namespace viper
