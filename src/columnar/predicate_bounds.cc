// What a bound filter implies without reading rows: whether any row within given bounds can match,
// and which ids a matching row must have.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "columnar/bound_filter.h"
#include "columnar/predicate.h"
#include "viper/value.h"

namespace viper::columnar {
namespace {

// -- MayMatch
// -----------------------------------------------------------------------------------------

using BoundsOf = std::function<const ColumnBounds*(std::string_view column)>;

/// Closed outer bounds of present values; an absent one is unknown.
template <typename T>
struct Interval {
  std::optional<T> min;
  std::optional<T> max;

  /// Whether every value is this one.
  bool IsOnly(const T& value) const { return min == value && max == value; }
};

Interval<int64_t> Int64Interval(const ColumnBounds& bounds) {
  const auto convert = [](const std::optional<Value>& value) -> std::optional<int64_t> {
    if (!value) return std::nullopt;
    if (value->as_int64() != nullptr) return *value->as_int64();
    if (value->as_timestamp() != nullptr) return value->as_timestamp()->micros;
    return std::nullopt;
  };
  return {convert(bounds.min), convert(bounds.max)};
}

Interval<double> Float64Interval(const ColumnBounds& bounds) {
  const auto convert = [](const std::optional<Value>& value) -> std::optional<double> {
    if (!value || value->as_float64() == nullptr) return std::nullopt;
    return *value->as_float64();
  };
  return {convert(bounds.min), convert(bounds.max)};
}

Interval<std::string_view> StringInterval(const ColumnBounds& bounds) {
  const auto convert = [](const std::optional<Value>& value) -> std::optional<std::string_view> {
    if (!value || value->as_string() == nullptr) return std::nullopt;
    return std::string_view(*value->as_string());
  };
  return {convert(bounds.min), convert(bounds.max)};
}

bool MayHold(const BoolTest& test, bool negated, const ColumnBounds& bounds) {
  const auto may_occur = [&](bool value) {
    const bool* min = bounds.min ? bounds.min->as_bool() : nullptr;
    const bool* max = bounds.max ? bounds.max->as_bool() : nullptr;
    return (min == nullptr || *min <= value) && (max == nullptr || value <= *max);
  };
  return (test.accepts_false != negated && may_occur(false)) ||
         (test.accepts_true != negated && may_occur(true));
}

template <typename Number>
bool MayBeIn(const NumberRange<Number>& range, const Interval<Number>& interval) {
  if (range.first > range.last) return false;
  return !(interval.max && *interval.max < range.first) &&
         !(interval.min && *interval.min > range.last);
}

template <typename Number>
bool MayBeIn(const NumberSet<Number>& set, const Interval<Number>& interval) {
  const auto least = interval.min
                         ? std::lower_bound(set.numbers.begin(), set.numbers.end(), *interval.min)
                         : set.numbers.begin();
  return least != set.numbers.end() && !(interval.max && *least > *interval.max);
}

bool MayHold(const NumberRange<int64_t>& range, bool negated, const ColumnBounds& bounds) {
  const Interval<int64_t> interval = Int64Interval(bounds);
  if (!negated) return MayBeIn(range, interval);
  const bool all_inside =
      interval.min && interval.max && *interval.min >= range.first && *interval.max <= range.last;
  return !all_inside;
}

bool MayHold(const NumberSet<int64_t>& set, bool negated, const ColumnBounds& bounds) {
  const Interval<int64_t> interval = Int64Interval(bounds);
  if (!negated) return MayBeIn(set, interval);
  return std::none_of(set.numbers.begin(), set.numbers.end(),
                      [&](int64_t number) { return interval.IsOnly(number); });
}

// The statistics of floats leave out NaN, for which every negated comparison is true.
bool MayHold(const NumberRange<double>& range, bool negated, const ColumnBounds& bounds) {
  return negated || MayBeIn(range, Float64Interval(bounds));
}

bool MayHold(const NumberSet<double>& set, bool negated, const ColumnBounds& bounds) {
  return negated || MayBeIn(set, Float64Interval(bounds));
}

bool MayOccur(std::string_view text, const Interval<std::string_view>& interval) {
  return !(interval.min && text < *interval.min) && !(interval.max && text > *interval.max);
}

bool MayHold(const StringEqualTest& test, bool negated, const ColumnBounds& bounds) {
  const Interval<std::string_view> interval = StringInterval(bounds);
  return negated ? !interval.IsOnly(test.text) : MayOccur(test.text, interval);
}

bool MayHold(const StringRange& range, bool negated, const ColumnBounds& bounds) {
  const Interval<std::string_view> interval = StringInterval(bounds);
  if (negated) {
    const bool all_inside = interval.min && interval.max && range.Contains(*interval.min) &&
                            range.Contains(*interval.max);
    return !all_inside;
  }
  if (range.low && interval.max) {
    if (range.includes_low ? *interval.max < *range.low : *interval.max <= *range.low) return false;
  }
  if (range.high && interval.min) {
    if (range.includes_high ? *interval.min > *range.high : *interval.min >= *range.high) {
      return false;
    }
  }
  return true;
}

bool MayHold(const StringSet& set, bool negated, const ColumnBounds& bounds) {
  const Interval<std::string_view> interval = StringInterval(bounds);
  return negated || std::any_of(set.strings.begin(), set.strings.end(),
                                [&](const std::string& text) { return MayOccur(text, interval); });
}

bool MayHold(const LikePattern& pattern, bool negated, const ColumnBounds& bounds) {
  if (negated) return true;
  const Interval<std::string_view> interval = StringInterval(bounds);
  const std::string_view prefix = pattern.literal_prefix();
  return !(interval.max && *interval.max < prefix) &&
         !(interval.min && interval.min->substr(0, prefix.size()) > prefix);
}

bool MayHold(const SubstringTest&, bool, const ColumnBounds&) { return true; }
bool MayHold(const ElementTest&, bool, const ColumnBounds&) { return true; }
bool MayHold(const DynamicTest&, bool, const ColumnBounds&) { return true; }

bool MayHold(const NullTest&, bool negated, const ColumnBounds& bounds) {
  return negated ? bounds.null_count < bounds.row_count : bounds.null_count > 0;
}

bool MayMatchTest(const BoundNode& node, const BoundFilter& filter, const BoundsOf& bounds_of) {
  const FieldReference& field = filter.fields[node.field];
  if (!field.type) return true;
  const ColumnBounds* bounds = bounds_of(field.path.front());
  if (bounds == nullptr) return true;
  const bool is_null_test = std::holds_alternative<NullTest>(node.test);
  if (bounds->row_count == 0) {
    if (is_null_test) return true;
  } else if (!is_null_test && bounds->null_count >= bounds->row_count) {
    return false;
  }
  return std::visit([&](const auto& test) { return MayHold(test, node.negated, *bounds); },
                    node.test);
}

bool MayMatchNode(const BoundNode& node, const BoundFilter& filter, const BoundsOf& bounds_of) {
  const auto may_match = [&](const BoundNode& child) {
    return MayMatchNode(child, filter, bounds_of);
  };
  switch (node.kind) {
    case BoundNode::Kind::kAnd:
      return std::all_of(node.children.begin(), node.children.end(), may_match);
    case BoundNode::Kind::kOr:
      return std::any_of(node.children.begin(), node.children.end(), may_match);
    case BoundNode::Kind::kTest:
      break;
  }
  return MayMatchTest(node, filter, bounds_of);
}

// -- RequiredIds
// --------------------------------------------------------------------------------------

/// Sorted ids, each once; absent = any id.
using Ids = std::optional<std::vector<std::string>>;

Ids IdsOfTest(const BoundNode& node, const BoundFilter& filter) {
  const FieldReference& field = filter.fields[node.field];
  if (!field.type || field.path.front() != kIdColumn || node.negated) return std::nullopt;
  if (const auto* equal = std::get_if<StringEqualTest>(&node.test)) {
    return std::vector<std::string>{equal->text};
  }
  const auto* set = std::get_if<StringSet>(&node.test);
  if (set == nullptr) return std::nullopt;
  std::vector<std::string> ids(set->strings.begin(), set->strings.end());
  std::sort(ids.begin(), ids.end());
  return ids;
}

Ids IdsOf(const BoundNode& node, const BoundFilter& filter);

Ids IdsOfAnd(const BoundNode& node, const BoundFilter& filter) {
  Ids common;
  for (const BoundNode& child : node.children) {
    Ids ids = IdsOf(child, filter);
    if (!ids) continue;
    if (!common) {
      common = std::move(ids);
      continue;
    }
    std::vector<std::string> both;
    std::set_intersection(common->begin(), common->end(), ids->begin(), ids->end(),
                          std::back_inserter(both));
    common = std::move(both);
  }
  return common;
}

Ids IdsOfOr(const BoundNode& node, const BoundFilter& filter) {
  std::vector<std::string> all;
  for (const BoundNode& child : node.children) {
    Ids ids = IdsOf(child, filter);
    if (!ids) return std::nullopt;
    all.insert(all.end(), std::make_move_iterator(ids->begin()),
               std::make_move_iterator(ids->end()));
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

Ids IdsOf(const BoundNode& node, const BoundFilter& filter) {
  switch (node.kind) {
    case BoundNode::Kind::kAnd:
      return IdsOfAnd(node, filter);
    case BoundNode::Kind::kOr:
      return IdsOfOr(node, filter);
    case BoundNode::Kind::kTest:
      break;
  }
  return IdsOfTest(node, filter);
}

}  // namespace

bool Predicate::MayMatch(
    const std::function<const ColumnBounds*(std::string_view column)>& bounds) const {
  return bound_ == nullptr || MayMatchNode(bound_->root, *bound_, bounds);
}

std::optional<std::vector<std::string>> Predicate::RequiredIds() const {
  if (bound_ == nullptr) return std::nullopt;
  return IdsOf(bound_->root, *bound_);
}

}  // namespace viper::columnar
