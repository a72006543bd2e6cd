#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "viper/filter.h"
#include "viper/value.h"

namespace viper {

/// What a filter node does with its operands.
enum class FilterOp : uint8_t {
  kAnd,           // children, two or more
  kOr,            // children, two or more; none: FALSE
  kNot,           // one child
  kEqual,         // path, values[0]
  kNotEqual,      // path, values[0]
  kLess,          // path, values[0]
  kLessEqual,     // path, values[0]
  kGreater,       // path, values[0]
  kGreaterEqual,  // path, values[0]
  kIn,            // path, values (any number)
  kBetween,       // path, values[0] <= x <= values[1]
  kLike,          // path, values[0] is the pattern
  kContains,      // path, values[0]
  kIsNull,        // path
};

/// Return "AND", "=", "IS NULL" and so on.
std::string_view FilterOpName(FilterOp op);

/// Trees are kept in one form, so that equal texts and equal expressions give equal trees: AND
/// holds no AND, OR holds no OR, NOT holds no NOT, and TRUE is the null pointer (only ever as a
/// root). Make them with the functions below.
struct FilterNode {
  FilterOp op = FilterOp::kAnd;
  std::vector<std::shared_ptr<const FilterNode>> children;
  /// Steps of the field's path; one step for a top-level key.
  std::vector<std::string> path;
  std::vector<Value> values;
  /// Where the field and each value stand in the text, 1-based bytes; 0 and empty = built, not
  /// parsed.
  size_t field_position = 0;
  std::vector<size_t> value_positions;

  /// Equal trees, wherever they stood in a text.
  friend bool operator==(const FilterNode& left, const FilterNode& right);
};

/// Of equal trees the same.
uint64_t HashOf(const FilterNode& node);
/// What a tree takes in memory, about.
size_t MemoryBytesOf(const FilterNode& node);

using FilterNodePointer = std::shared_ptr<const FilterNode>;

/// Join children by kAnd or kOr; a null child is TRUE.
FilterNodePointer MakeConnective(FilterOp op, std::vector<FilterNodePointer> children);
/// Negate; null is TRUE, before and after.
FilterNodePointer MakeNot(FilterNodePointer child);

}  // namespace viper
