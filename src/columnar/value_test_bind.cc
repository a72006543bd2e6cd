// Turns one condition into a test with literals of the column's own type. Comparisons of numbers
// become closed ranges, so that a literal of the other number type, which may lie between two
// values of the column's type or outside all of them, is rounded once, exactly, and rows are
// compared natively.

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/status_macros.h"
#include "columnar/bound_filter.h"
#include "columnar/filter_message.h"
#include "columnar/filter_node.h"
#include "columnar/like_pattern.h"
#include "columnar/value_compare.h"
#include "viper/result.h"
#include "viper/schema.h"
#include "viper/status.h"
#include "viper/value.h"

namespace viper::columnar {
namespace {

size_t PositionOfValue(const FilterNode& node, size_t index) {
  return index < node.value_positions.size() ? node.value_positions[index] : 0;
}

Status Mismatch(const FilterNode& node, FieldType type, size_t index) {
  const std::string_view relation =
      node.op == FilterOp::kContains ? "it cannot contain" : "it cannot be compared with";
  return FilterError(fmt::format("field '{}' is {}, {} {}{}", PathName(node.path),
                                 FieldTypeName(type), relation, Described(node.values[index]),
                                 AtPosition(PositionOfValue(node, index))));
}

Status NoSuchOperator(const FilterNode& node, FieldType type, std::string_view hint) {
  return FilterError(fmt::format("field '{}'{} is {}, which has no operator {}{}",
                                 PathName(node.path), AtPosition(node.field_position),
                                 FieldTypeName(type), FilterOpName(node.op), hint));
}

bool IsOrder(FilterOp op) {
  return op == FilterOp::kLess || op == FilterOp::kLessEqual || op == FilterOp::kGreater ||
         op == FilterOp::kGreaterEqual || op == FilterOp::kBetween;
}

template <typename Number>
NumberRange<Number> Intersection(const NumberRange<Number>& a, const NumberRange<Number>& b) {
  return {std::max(a.first, b.first), std::min(a.last, b.last)};
}

// -- int64 and timestamp
// ------------------------------------------------------------------------------

using Int64Range = NumberRange<int64_t>;
constexpr int64_t kInt64Min = std::numeric_limits<int64_t>::min();
constexpr int64_t kInt64Max = std::numeric_limits<int64_t>::max();
constexpr Int64Range kNoInt64 = {kInt64Max, kInt64Min};
constexpr Int64Range kEveryInt64 = {kInt64Min, kInt64Max};

Int64Range RangeOf(FilterOp op, int64_t literal) {
  switch (op) {
    case FilterOp::kLess:
      return literal == kInt64Min ? kNoInt64 : Int64Range{kInt64Min, literal - 1};
    case FilterOp::kLessEqual:
      return {kInt64Min, literal};
    case FilterOp::kGreater:
      return literal == kInt64Max ? kNoInt64 : Int64Range{literal + 1, kInt64Max};
    case FilterOp::kGreaterEqual:
      return {literal, kInt64Max};
    default:
      return {literal, literal};
  }
}

Int64Range RangeOf(FilterOp op, double literal) {
  const bool is_upper = op == FilterOp::kLess || op == FilterOp::kLessEqual;
  const bool is_lower = op == FilterOp::kGreater || op == FilterOp::kGreaterEqual;
  if (literal >= 0x1p63) return is_upper ? kEveryInt64 : kNoInt64;
  if (literal < -0x1p63) return is_lower ? kEveryInt64 : kNoInt64;
  // x < 2.5 and x < 3 are one, and so are x > 2.5 and x > 2.
  const bool rounds_up = op == FilterOp::kLess || op == FilterOp::kGreaterEqual;
  const double whole = rounds_up ? std::ceil(literal) : std::floor(literal);
  if (!is_upper && !is_lower && whole != literal) return kNoInt64;
  return RangeOf(op, static_cast<int64_t>(whole));
}

Int64Range Int64RangeOf(FilterOp op, const Value& literal) {
  return literal.as_int64() != nullptr ? RangeOf(op, *literal.as_int64())
                                       : RangeOf(op, *literal.as_float64());
}

// -- float64
// ------------------------------------------------------------------------------------------

using Float64Range = NumberRange<double>;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr Float64Range kNoFloat64 = {kInfinity, -kInfinity};

double Below(double number) { return std::nextafter(number, -kInfinity); }
double Above(double number) { return std::nextafter(number, kInfinity); }

Float64Range Float64RangeOf(FilterOp op, const Value& literal) {
  double below = 0;  // the largest float64 that is at most the literal
  double above = 0;  // the smallest that is at least the literal
  if (literal.as_float64() != nullptr) {
    below = above = *literal.as_float64();
  } else {
    const int64_t integer = *literal.as_int64();
    const auto nearest = static_cast<double>(integer);
    const auto order = CompareExactly(integer, nearest);
    below = order < 0 ? Below(nearest) : nearest;
    above = order > 0 ? Above(nearest) : nearest;
  }
  const bool is_exact = below == above;
  switch (op) {
    case FilterOp::kLess:
      return {-kInfinity, is_exact ? Below(below) : below};
    case FilterOp::kLessEqual:
      return {-kInfinity, below};
    case FilterOp::kGreater:
      return {is_exact ? Above(above) : above, kInfinity};
    case FilterOp::kGreaterEqual:
      return {above, kInfinity};
    default:
      return is_exact ? Float64Range{below, below} : kNoFloat64;
  }
}

// -- Numbers of both types
// ----------------------------------------------------------------------------

/// `range_of(op, literal)` gives the range of one comparison; the literals are numbers.
template <typename Number, typename RangeOfLiteral>
ValueTest MakeNumberTest(FilterOp op, const std::vector<Value>& literals, RangeOfLiteral range_of) {
  if (op == FilterOp::kBetween) {
    return Intersection<Number>(range_of(FilterOp::kGreaterEqual, literals[0]),
                                range_of(FilterOp::kLessEqual, literals[1]));
  }
  if (op != FilterOp::kIn) return range_of(op, literals.front());
  NumberSet<Number> set;
  for (const Value& literal : literals) {
    const NumberRange<Number> range = range_of(FilterOp::kEqual, literal);
    if (range.first <= range.last) set.numbers.push_back(range.first);
  }
  std::sort(set.numbers.begin(), set.numbers.end());
  set.numbers.erase(std::unique(set.numbers.begin(), set.numbers.end()), set.numbers.end());
  return set;
}

Result<ValueTest> BindNumberTest(FieldType type, const FilterNode& node) {
  if (node.op == FilterOp::kLike || node.op == FilterOp::kContains) {
    return NoSuchOperator(node, type, "");
  }
  for (size_t i = 0; i < node.values.size(); ++i) {
    const Value& literal = node.values[i];
    if (literal.as_int64() == nullptr && literal.as_float64() == nullptr) {
      return Mismatch(node, type, i);
    }
  }
  return type == FieldType::kInt64 ? MakeNumberTest<int64_t>(node.op, node.values, Int64RangeOf)
                                   : MakeNumberTest<double>(node.op, node.values, Float64RangeOf);
}

Result<ValueTest> BindTimestampTest(const FilterNode& node) {
  if (node.op == FilterOp::kLike || node.op == FilterOp::kContains) {
    return NoSuchOperator(node, FieldType::kTimestamp, "");
  }
  std::vector<Value> micros;
  for (size_t i = 0; i < node.values.size(); ++i) {
    const Value& literal = node.values[i];
    if (literal.as_timestamp() != nullptr) {
      micros.emplace_back(literal.as_timestamp()->micros);
    } else if (literal.as_string() != nullptr) {
      const Result<Timestamp> time = Timestamp::Parse(*literal.as_string());
      if (!time.ok()) {
        return FilterError(fmt::format("field '{}' is timestamp, {}{}", PathName(node.path),
                                       time.status().message(),
                                       AtPosition(PositionOfValue(node, i))));
      }
      micros.emplace_back(time->micros);
    } else {
      return Mismatch(node, FieldType::kTimestamp, i);
    }
  }
  return MakeNumberTest<int64_t>(node.op, micros, Int64RangeOf);
}

// -- bool, string and list<string>
// --------------------------------------------------------------------

Result<ValueTest> BindBoolTest(const FilterNode& node) {
  const bool is_equality = node.op == FilterOp::kEqual || node.op == FilterOp::kNotEqual;
  if (!is_equality && node.op != FilterOp::kIn) {
    return NoSuchOperator(node, FieldType::kBool, "");
  }
  BoolTest test;
  for (size_t i = 0; i < node.values.size(); ++i) {
    const bool* literal = node.values[i].as_bool();
    if (literal == nullptr) return Mismatch(node, FieldType::kBool, i);
    (*literal ? test.accepts_true : test.accepts_false) = true;
  }
  return ValueTest(test);
}

Result<LikePattern> CompilePattern(const FilterNode& node) {
  const size_t position = PositionOfValue(node, 0);
  const std::string* pattern = node.values.front().as_string();
  if (pattern == nullptr) {
    return FilterError(fmt::format("LIKE takes a string, not {}{}", Described(node.values.front()),
                                   AtPosition(position)));
  }
  if (pattern->size() > kFilterTextBytesMax) {
    return FilterError(fmt::format("the pattern of LIKE is too long: limit={} actual={}",
                                   kFilterTextBytesMax, pattern->size()));
  }
  Result<LikePattern> compiled = LikePattern::Compile(*pattern);
  if (compiled.ok()) return compiled;
  return FilterError(fmt::format("{}{}", compiled.status().message(), AtPosition(position)));
}

StringRange StringRangeOf(const FilterNode& node) {
  StringRange range;
  const std::string& literal = *node.values.front().as_string();
  if (node.op == FilterOp::kLess || node.op == FilterOp::kLessEqual) {
    range.high = literal;
    range.includes_high = node.op == FilterOp::kLessEqual;
    return range;
  }
  range.low = literal;
  range.includes_low = node.op != FilterOp::kGreater;
  if (node.op == FilterOp::kBetween) range.high = *node.values[1].as_string();
  return range;
}

Result<ValueTest> BindStringTest(const FilterNode& node) {
  if (node.op == FilterOp::kLike) {
    VIPER_ASSIGN_OR_RETURN(LikePattern pattern, CompilePattern(node));
    return ValueTest(std::move(pattern));
  }
  for (size_t i = 0; i < node.values.size(); ++i) {
    if (node.values[i].as_string() == nullptr) return Mismatch(node, FieldType::kString, i);
  }
  if (IsOrder(node.op)) return ValueTest(StringRangeOf(node));
  if (node.op == FilterOp::kIn) {
    StringSet set;
    for (const Value& literal : node.values) set.strings.insert(*literal.as_string());
    return ValueTest(std::move(set));
  }
  const std::string& literal = *node.values.front().as_string();
  if (node.op == FilterOp::kContains) return ValueTest(SubstringTest{literal});
  return ValueTest(StringEqualTest{literal});
}

Result<ValueTest> BindListTest(const FilterNode& node) {
  if (node.op != FilterOp::kContains) {
    return NoSuchOperator(node, FieldType::kStringList, "; use CONTAINS");
  }
  const std::string* element = node.values.front().as_string();
  if (element == nullptr) return Mismatch(node, FieldType::kStringList, 0);
  return ValueTest(ElementTest{*element});
}

}  // namespace

Result<ValueTest> BindTypedTest(FieldType type, const FilterNode& node) {
  switch (type) {
    case FieldType::kBool:
      return BindBoolTest(node);
    case FieldType::kInt64:
    case FieldType::kFloat64:
      return BindNumberTest(type, node);
    case FieldType::kTimestamp:
      return BindTimestampTest(node);
    case FieldType::kString:
      return BindStringTest(node);
    case FieldType::kStringList:
      break;
  }
  return BindListTest(node);
}

Result<ValueTest> BindDynamicTest(const FilterNode& node) {
  DynamicTest test;
  test.op = node.op == FilterOp::kNotEqual ? FilterOp::kEqual : node.op;
  test.values = node.values;
  if (node.op == FilterOp::kLike) {
    VIPER_ASSIGN_OR_RETURN(test.pattern, CompilePattern(node));
  }
  if (IsOrder(node.op)) {
    for (size_t i = 0; i < node.values.size(); ++i) {
      if (node.values[i].as_bool() == nullptr) continue;
      return FilterError(fmt::format(
          "{} has no order for {} to compare by",
          Described(node.values[i]) + AtPosition(PositionOfValue(node, i)), FilterOpName(node.op)));
    }
  }
  return ValueTest(std::move(test));
}

}  // namespace viper::columnar
