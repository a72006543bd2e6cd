// Evaluates a bound filter over a run of rows, 64 rows to a word. Every node is asked only about
// the rows that are still undecided (`candidates`): for an AND those that all children before hold
// for, for an OR those that none holds for. Once no such row is left the columns of the remaining
// children are not even fetched.

#include <algorithm>
#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/assert.h"
#include "base/bitmap.h"
#include "base/status_macros.h"
#include "columnar/bound_filter.h"
#include "columnar/column.h"
#include "columnar/filter_node.h"
#include "columnar/like_pattern.h"
#include "columnar/predicate.h"
#include "columnar/value_compare.h"
#include "viper/result.h"
#include "viper/value.h"

namespace viper::columnar {
namespace {

using Words = std::vector<uint64_t>;

bool AnySet(const Words& words) {
  return std::any_of(words.begin(), words.end(), [](uint64_t word) { return word != 0; });
}

// -- Typed columns
// ------------------------------------------------------------------------------------

/// Bit i is the lowest bit of byte i: the multiplication moves the eight bits into the top byte,
/// and no two of its partial products meet.
uint64_t PackEight(const uint8_t* ones) {
  static_assert(std::endian::native == std::endian::little);
  uint64_t bytes = 0;
  std::memcpy(&bytes, ones, sizeof(bytes));
  return (bytes * 0x0102040810204080) >> 56;
}

/// Test all rows of a word without a branch, for tests cheaper than one.
template <typename Test>
uint64_t TestWord(size_t first, size_t count, const Test& test) {
  std::array<uint8_t, 64> hits{};
  if (count == 64) {
    for (size_t i = 0; i < 64; ++i) hits[i] = static_cast<uint8_t>(test(first + i));
  } else {
    for (size_t i = 0; i < count; ++i) hits[i] = static_cast<uint8_t>(test(first + i));
  }
  uint64_t word = 0;
  for (size_t i = 0; i < 8; ++i) word |= PackEight(hits.data() + 8 * i) << (8 * i);
  return word;
}

/// Test the wanted rows of a word one by one.
template <typename Test>
uint64_t TestWanted(size_t first, uint64_t wanted, const Test& test) {
  uint64_t word = 0;
  for (uint64_t rest = wanted; rest != 0; rest &= rest - 1) {
    const auto i = static_cast<size_t>(std::countr_zero(rest));
    word |= uint64_t{test(first + i)} << i;
  }
  return word;
}

enum class TestPrice : uint8_t { kCheap, kDear };

/// The candidates with a present value for which `test(row)` is not `negated`.
template <TestPrice Price, typename Test>
Words MatchPresent(const Column& column, bool negated, const Words& candidates, const Test& test) {
  const Words& present = column.validity().words();
  const uint64_t flip = negated ? ~uint64_t{0} : 0;
  Words matches(candidates.size(), 0);
  for (size_t w = 0; w < candidates.size(); ++w) {
    const uint64_t wanted = candidates[w] & present[w];
    if (wanted == 0) continue;
    const size_t first = w * 64;
    uint64_t word = 0;
    if constexpr (Price == TestPrice::kCheap) {
      word = TestWord(first, std::min<size_t>(64, column.row_count() - first), test);
    } else {
      word = TestWanted(first, wanted, test);
    }
    matches[w] = wanted & (word ^ flip);
  }
  return matches;
}

/// Matches one test against one typed column.
struct TypedMatcher {
  const Column& column;
  bool negated;
  const Words& candidates;

  template <typename Test>
  Words Cheap(const Test& test) const {
    return MatchPresent<TestPrice::kCheap>(column, negated, candidates, test);
  }
  template <typename Test>
  Words Dear(const Test& test) const {
    return MatchPresent<TestPrice::kDear>(column, negated, candidates, test);
  }
  template <typename Test>
  Words Strings(const Test& test) const {
    const StringArray& strings = column.strings();
    return Dear([&](size_t row) { return test(strings[row]); });
  }

  Words operator()(const NullTest&) const {
    const Words& present = column.validity().words();
    Words matches = candidates;
    for (size_t w = 0; w < matches.size(); ++w) matches[w] &= negated ? present[w] : ~present[w];
    return matches;
  }
  Words operator()(const BoolTest& test) const {
    // Not a table of what is accepted: GCC 12 gives back the wrong rows of one when it makes this
    // loop into vectors.
    return Cheap([values = column.bools().data(), accepts_false = test.accepts_false,
                  accepts_true = test.accepts_true](size_t row) {
      const bool value = values[row] != 0;
      return (value & accepts_true) | (!value & accepts_false);
    });
  }
  Words operator()(const NumberRange<int64_t>& range) const {
    return Cheap([values = column.int64s().data(), range](size_t row) {
      return (values[row] >= range.first) & (values[row] <= range.last);
    });
  }
  Words operator()(const NumberRange<double>& range) const {
    return Cheap([values = column.float64s().data(), range](size_t row) {
      return (values[row] >= range.first) & (values[row] <= range.last);
    });
  }
  Words operator()(const NumberSet<int64_t>& set) const {
    const std::vector<int64_t>& values = column.int64s();
    return Dear([&](size_t row) {
      return std::binary_search(set.numbers.begin(), set.numbers.end(), values[row]);
    });
  }
  Words operator()(const NumberSet<double>& set) const {
    const std::vector<double>& values = column.float64s();
    return Dear([&](size_t row) {
      // Not binary_search: it takes NaN, which is neither less nor greater, for equal to anything.
      const auto found = std::lower_bound(set.numbers.begin(), set.numbers.end(), values[row]);
      return found != set.numbers.end() && *found == values[row];
    });
  }
  Words operator()(const StringEqualTest& test) const {
    return Strings([&](std::string_view text) { return text == test.text; });
  }
  Words operator()(const StringRange& range) const {
    return Strings([&](std::string_view text) { return range.Contains(text); });
  }
  Words operator()(const StringSet& set) const {
    return Strings([&](std::string_view text) { return set.strings.contains(text); });
  }
  Words operator()(const LikePattern& pattern) const {
    return Strings([&](std::string_view text) { return pattern.Matches(text); });
  }
  Words operator()(const SubstringTest& test) const {
    return Strings([&](std::string_view text) { return text.find(test.part) != text.npos; });
  }
  Words operator()(const ElementTest& test) const {
    const StringListArray& lists = column.string_lists();
    return Dear([&](size_t row) {
      for (uint64_t i = lists.offsets[row]; i < lists.offsets[row + 1]; ++i) {
        if (lists.elements[i] == test.element) return true;
      }
      return false;
    });
  }
  Words operator()(const DynamicTest&) const {
    FailAssertion("a dynamic test on a typed column", __FILE__, __LINE__);
  }
};

// -- Undeclared fields
// --------------------------------------------------------------------------------

enum class Truth : uint8_t { kFalse, kTrue, kUnknown };

Truth TruthOf(bool value) { return value ? Truth::kTrue : Truth::kFalse; }

Truth Compare(FilterOp op, const Value& value, const Value& literal) {
  const std::partial_ordering order = CompareScalars(value, literal);
  if (order == std::partial_ordering::unordered) return Truth::kUnknown;
  switch (op) {
    case FilterOp::kLess:
      return TruthOf(order < 0);
    case FilterOp::kLessEqual:
      return TruthOf(order <= 0);
    case FilterOp::kGreater:
      return TruthOf(order > 0);
    case FilterOp::kGreaterEqual:
      return TruthOf(order >= 0);
    default:
      return TruthOf(order == 0);
  }
}

/// value = literals[0] OR value = literals[1] OR ...
Truth IsAnyOf(const Value& value, const std::vector<Value>& literals) {
  Truth truth = Truth::kFalse;
  for (const Value& literal : literals) {
    const Truth equal = Compare(FilterOp::kEqual, value, literal);
    if (equal == Truth::kTrue) return equal;
    if (equal == Truth::kUnknown) truth = equal;
  }
  return truth;
}

Truth IsBetween(const Value& value, const Value& low, const Value& high) {
  const Truth above = Compare(FilterOp::kGreaterEqual, value, low);
  const Truth below = Compare(FilterOp::kLessEqual, value, high);
  if (above == Truth::kFalse || below == Truth::kFalse) return Truth::kFalse;
  return above == Truth::kTrue && below == Truth::kTrue ? Truth::kTrue : Truth::kUnknown;
}

Truth DoesContain(const Value& value, const Value& literal) {
  if (value.as_list() != nullptr) {
    const Value::List& list = *value.as_list();
    return TruthOf(std::any_of(list.begin(), list.end(), [&](const Value& element) {
      return CompareScalars(element, literal) == 0;
    }));
  }
  if (value.as_string() == nullptr || literal.as_string() == nullptr) return Truth::kUnknown;
  return TruthOf(value.as_string()->find(*literal.as_string()) != std::string::npos);
}

Truth Judge(const DynamicTest& test, const Value& value) {
  if (test.op == FilterOp::kIsNull) return TruthOf(value.is_null());
  if (value.is_null()) return Truth::kUnknown;
  switch (test.op) {
    case FilterOp::kIn:
      return IsAnyOf(value, test.values);
    case FilterOp::kBetween:
      return IsBetween(value, test.values[0], test.values[1]);
    case FilterOp::kContains:
      return DoesContain(value, test.values.front());
    case FilterOp::kLike:
      if (value.as_string() == nullptr) return Truth::kUnknown;
      return TruthOf(test.pattern->Matches(*value.as_string()));
    default:
      return Compare(test.op, value, test.values.front());
  }
}

Words MatchDynamic(const DynamicTest& test, const std::vector<Value>& values, bool negated,
                   const Words& candidates) {
  const Truth wanted = negated ? Truth::kFalse : Truth::kTrue;
  Words matches(candidates.size(), 0);
  for (size_t w = 0; w < candidates.size(); ++w) {
    matches[w] = TestWanted(w * 64, candidates[w],
                            [&](size_t row) { return Judge(test, values[row]) == wanted; });
  }
  return matches;
}

// -- The tree
// -----------------------------------------------------------------------------------------

class Evaluation {
 public:
  Evaluation(const BoundFilter& filter, const RowAccess& rows)
      : filter_(filter), rows_(rows), fetched_(filter.fields.size()) {}

  /// The candidates for which the node is true.
  Result<Words> Evaluate(const BoundNode& node, const Words& candidates) {
    switch (node.kind) {
      case BoundNode::Kind::kAnd:
        return EvaluateAnd(node, candidates);
      case BoundNode::Kind::kOr:
        return EvaluateOr(node, candidates);
      case BoundNode::Kind::kTest:
        break;
    }
    return EvaluateTest(node, candidates);
  }

 private:
  Result<Words> EvaluateAnd(const BoundNode& node, const Words& candidates) {
    Words matches = candidates;
    for (const BoundNode& child : node.children) {
      if (!AnySet(matches)) break;
      VIPER_ASSIGN_OR_RETURN(matches, Evaluate(child, matches));
    }
    return matches;
  }

  Result<Words> EvaluateOr(const BoundNode& node, const Words& candidates) {
    Words undecided = candidates;
    for (const BoundNode& child : node.children) {
      if (!AnySet(undecided)) break;
      VIPER_ASSIGN_OR_RETURN(const Words found, Evaluate(child, undecided));
      for (size_t w = 0; w < found.size(); ++w) undecided[w] &= ~found[w];
    }
    Words matches = candidates;
    for (size_t w = 0; w < matches.size(); ++w) matches[w] &= ~undecided[w];
    return matches;
  }

  Result<Words> EvaluateTest(const BoundNode& node, const Words& candidates) {
    VIPER_ASSIGN_OR_RETURN(const FieldRows* rows, Fetch(node.field));
    if (const auto* values = std::get_if<std::vector<Value>>(rows)) {
      return MatchDynamic(std::get<DynamicTest>(node.test), *values, node.negated, candidates);
    }
    const Column& column = *std::get<std::shared_ptr<const Column>>(*rows);
    return std::visit(TypedMatcher{column, node.negated, candidates}, node.test);
  }

  Result<const FieldRows*> Fetch(size_t field) {
    std::optional<FieldRows>& slot = fetched_[field];
    if (!slot) {
      VIPER_ASSIGN_OR_RETURN(slot, rows_.Fetch(filter_.fields[field]));
      CheckFetched(filter_.fields[field], *slot);
    }
    return &*slot;
  }

  void CheckFetched(const FieldReference& field, const FieldRows& fetched) const {
    if (field.type) {
      const Column& column = *std::get<std::shared_ptr<const Column>>(fetched);
      VIPER_ASSERT(column.type() == *field.type);
      VIPER_ASSERT(column.row_count() == rows_.row_count());
    } else {
      VIPER_ASSERT(std::get<std::vector<Value>>(fetched).size() == rows_.row_count());
    }
  }

  const BoundFilter& filter_;
  const RowAccess& rows_;
  std::vector<std::optional<FieldRows>> fetched_;
};

}  // namespace

Result<Bitmap> Predicate::Evaluate(const RowAccess& rows) const {
  const size_t row_count = rows.row_count();
  Bitmap all(row_count, true);
  if (bound_ == nullptr) return all;
  VIPER_ASSIGN_OR_RETURN(Words matches,
                         Evaluation(*bound_, rows).Evaluate(bound_->root, all.words()));
  return Bitmap(row_count, std::move(matches));
}

}  // namespace viper::columnar
