#pragma once

/// @file
/// A filter after binding: names are field numbers, literals have the column's type, and NOT stands
/// at single tests only (De Morgan's laws hold in three-valued logic). AND and OR of such tests are
/// true exactly where the AND and OR of "this test is true" are, so that evaluation needs one bit a
/// row: a negated test is true where its plain form is false, which is not where it is unknown.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <variant>
#include <vector>

#include "base/hash.h"
#include "columnar/filter_node.h"
#include "columnar/like_pattern.h"
#include "columnar/predicate.h"
#include "viper/result.h"
#include "viper/schema.h"
#include "viper/value.h"

namespace viper::columnar {

struct NullTest {};

struct BoolTest {
  bool accepts_false = false;
  bool accepts_true = false;
};

/// first <= x <= last; nothing when first > last. For kInt64 and kTimestamp, and for kFloat64.
template <typename Number>
struct NumberRange {
  Number first;
  Number last;
};

/// Sorted, each once.
template <typename Number>
struct NumberSet {
  std::vector<Number> numbers;
};

struct StringEqualTest {
  std::string text;
};

/// Bytewise order; an absent bound is none.
struct StringRange {
  std::optional<std::string> low;
  std::optional<std::string> high;
  bool includes_low = true;
  bool includes_high = true;

  bool Contains(std::string_view text) const {
    if (low && (includes_low ? text < *low : text <= *low)) return false;
    return !high || (includes_high ? text <= *high : text < *high);
  }
};

struct StringSet {
  std::unordered_set<std::string, StringHash, std::equal_to<>> strings;
};

struct SubstringTest {
  std::string part;
};

struct ElementTest {
  std::string element;
};

/// Any test of an undeclared field, whose values come one by one.
struct DynamicTest {
  FilterOp op = FilterOp::kEqual;
  std::vector<Value> values;
  /// Of kLike.
  std::optional<LikePattern> pattern;
};

using ValueTest = std::variant<NullTest, BoolTest, NumberRange<int64_t>, NumberSet<int64_t>,
                               NumberRange<double>, NumberSet<double>, StringEqualTest, StringRange,
                               StringSet, LikePattern, SubstringTest, ElementTest, DynamicTest>;

struct BoundNode {
  enum class Kind : uint8_t { kAnd, kOr, kTest };
  Kind kind = Kind::kTest;
  /// Of kAnd and kOr, cheapest first. None: TRUE and FALSE.
  std::vector<BoundNode> children;
  /// Of kTest.
  size_t field = 0;
  bool negated = false;
  ValueTest test;
  /// Rough work per row, to order children by.
  uint32_t cost = 0;
};

struct BoundFilter {
  BoundNode root;
  std::vector<FieldReference> fields;
};

/// Bind a condition on a typed column other than IS NULL; that of kNotEqual is the one of kEqual,
/// to be negated. Errors as Predicate::Bind.
Result<ValueTest> BindTypedTest(FieldType type, const FilterNode& node);
/// The same for an undeclared field, kIsNull included.
Result<ValueTest> BindDynamicTest(const FilterNode& node);

}  // namespace viper::columnar
