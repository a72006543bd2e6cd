#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/assert.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "columnar/bound_filter.h"
#include "columnar/filter_message.h"
#include "columnar/filter_node.h"
#include "columnar/like_pattern.h"
#include "columnar/nearest_name.h"
#include "columnar/predicate.h"
#include "viper/filter.h"
#include "viper/result.h"
#include "viper/schema.h"
#include "viper/status.h"
#include "viper/value.h"

namespace viper::columnar {
namespace {

/// A parenthesis adds at most an OR, an AND and a NOT, so that whatever can be parsed can be bound.
constexpr size_t kTreeDepthMax = 3 * (kFilterDepthMax + 1);

struct SystemColumn {
  std::string_view name;
  FieldType type;
};

constexpr std::array<SystemColumn, 4> kSystemColumns = {{
    {kIdColumn, FieldType::kString},
    {kTimestampColumn, FieldType::kTimestamp},
    {kIngestedAtColumn, FieldType::kTimestamp},
    {kExpiresAtColumn, FieldType::kTimestamp},
}};

/// Rough nanoseconds per row, to tell cheap from dear.
struct CostOfTest {
  uint32_t operator()(const NullTest&) const { return 1; }
  uint32_t operator()(const BoolTest&) const { return 1; }
  uint32_t operator()(const NumberRange<int64_t>&) const { return 1; }
  uint32_t operator()(const NumberRange<double>&) const { return 1; }
  uint32_t operator()(const NumberSet<int64_t>&) const { return 8; }
  uint32_t operator()(const NumberSet<double>&) const { return 8; }
  uint32_t operator()(const StringEqualTest&) const { return 4; }
  uint32_t operator()(const StringRange&) const { return 6; }
  uint32_t operator()(const StringSet&) const { return 12; }
  uint32_t operator()(const LikePattern&) const { return 20; }
  uint32_t operator()(const SubstringTest&) const { return 20; }
  uint32_t operator()(const ElementTest&) const { return 20; }
  // The JSON of the row has to be parsed first.
  uint32_t operator()(const DynamicTest&) const { return 2000; }
};

Status CheckLiteral(const Value& value, FilterOp op, size_t position) {
  const std::string at = AtPosition(position);
  if (value.is_null()) {
    return FilterError(
        fmt::format("nothing compares with NULL{}; use IS NULL or its negation", at));
  }
  if (value.as_list() != nullptr || value.as_object() != nullptr) {
    return FilterError(
        fmt::format("{} takes single values, not {}{}", FilterOpName(op), Described(value), at));
  }
  if (value.as_float64() != nullptr && !std::isfinite(*value.as_float64())) {
    return FilterError(fmt::format("{} takes finite numbers, not {}{}", FilterOpName(op),
                                   *value.as_float64(), at));
  }
  return {};
}

class Binder {
 public:
  explicit Binder(const Predicate::Names& names) : names_(names) {}

  Result<BoundFilter> Bind(const FilterNode& root) {
    BoundFilter bound;
    VIPER_ASSIGN_OR_RETURN(bound.root, BindNode(root, false, 1));
    bound.fields = std::move(fields_);
    return bound;
  }

 private:
  Result<BoundNode> BindNode(const FilterNode& node, bool negated, size_t depth) {
    if (depth > kTreeDepthMax) {
      return FilterError(fmt::format("the filter is too deep: limit={}", kTreeDepthMax));
    }
    if (++node_count_ > kFilterNodesMax) {
      return FilterError(
          fmt::format("the filter has too many conditions: limit={}", kFilterNodesMax));
    }
    switch (node.op) {
      case FilterOp::kNot:
        return BindNode(*node.children.front(), !negated, depth + 1);
      case FilterOp::kAnd:
      case FilterOp::kOr:
        return BindConnective(node, negated, depth);
      default:
        return BindCondition(node, negated);
    }
  }

  Result<BoundNode> BindConnective(const FilterNode& node, bool negated, size_t depth) {
    BoundNode bound;
    bound.kind =
        (node.op == FilterOp::kAnd) != negated ? BoundNode::Kind::kAnd : BoundNode::Kind::kOr;
    bound.children.reserve(node.children.size());
    for (const FilterNodePointer& child : node.children) {
      VIPER_ASSIGN_OR_RETURN(BoundNode bound_child, BindNode(*child, negated, depth + 1));
      bound.cost += bound_child.cost;
      bound.children.push_back(std::move(bound_child));
    }
    std::sort(bound.children.begin(), bound.children.end(),
              [](const BoundNode& a, const BoundNode& b) { return a.cost < b.cost; });
    return bound;
  }

  Result<BoundNode> BindCondition(const FilterNode& node, bool negated) {
    VIPER_RETURN_IF_ERROR(CheckShape(node));
    VIPER_ASSIGN_OR_RETURN(const std::optional<FieldType> type, Resolve(node));
    if (node.op == FilterOp::kIn && node.values.empty()) {
      // The OR of no comparison: false for every row, also where the field is null.
      BoundNode constant;
      constant.kind = negated ? BoundNode::Kind::kAnd : BoundNode::Kind::kOr;
      return constant;
    }
    BoundNode bound;
    bound.negated = negated != (node.op == FilterOp::kNotEqual);
    bound.field = FieldNumber({node.path, type});
    if (type && node.op == FilterOp::kIsNull) {
      bound.test = NullTest();
    } else {
      VIPER_ASSIGN_OR_RETURN(bound.test, type ? BindTypedTest(*type, node) : BindDynamicTest(node));
    }
    bound.cost = std::visit(CostOfTest(), bound.test);
    return bound;
  }

  static Status CheckShape(const FilterNode& node) {
    if (node.path.empty()) return FilterError("a condition names no field");
    if (node.path.size() > kFilterPathStepsMax) {
      return FilterError(fmt::format("the path '{}' has too many steps: limit={} actual={}",
                                     PathName(node.path), kFilterPathStepsMax, node.path.size()));
    }
    if (node.values.size() > kFilterListMax) {
      return FilterError(fmt::format("too many values for field '{}' in IN: limit={} actual={}",
                                     PathName(node.path), kFilterListMax, node.values.size()));
    }
    for (size_t i = 0; i < node.values.size(); ++i) {
      const size_t position = i < node.value_positions.size() ? node.value_positions[i] : 0;
      VIPER_RETURN_IF_ERROR(CheckLiteral(node.values[i], node.op, position));
    }
    return {};
  }

  std::optional<FieldType> TypeOf(std::string_view name) const {
    for (const SystemColumn& column : kSystemColumns) {
      if (column.name == name) return column.type;
    }
    const Field* declared = names_.schema->FindField(name);
    if (declared == nullptr) return std::nullopt;
    return declared->type;
  }

  /// The type of a typed column, nothing for undeclared metadata.
  Result<std::optional<FieldType>> Resolve(const FilterNode& node) const {
    const std::string& name = node.path.front();
    const std::optional<FieldType> type = TypeOf(name);
    if (!type) {
      if (names_.is_known_key && !names_.is_known_key(name)) return UnknownField(node);
      return type;
    }
    if (node.path.size() == 1) return type;
    return FilterError(fmt::format("field '{}' is {}, it has no member '{}'{}", Shortened(name),
                                   FieldTypeName(*type), Shortened(node.path[1]),
                                   AtPosition(node.field_position)));
  }

  Status UnknownField(const FilterNode& node) const {
    std::string hint;
    const std::string dotted = JoinedPath(node.path);
    if (node.path.size() > 1 && names_.is_known_key(dotted)) {
      hint = fmt::format("; did you mean \"{}\", in double quotes?", Shortened(dotted));
    } else if (const auto nearest = NearestName(node.path.front(), AllNames())) {
      hint = fmt::format("; did you mean '{}'?", Shortened(*nearest));
    }
    return FilterError(fmt::format("unknown field '{}'{}{}", Shortened(node.path.front()),
                                   AtPosition(node.field_position), hint));
  }

  static std::string JoinedPath(const std::vector<std::string>& path) {
    std::string joined = path.front();
    for (size_t i = 1; i < path.size(); ++i) joined += "." + path[i];
    return joined;
  }

  std::vector<std::string> AllNames() const {
    std::vector<std::string> names;
    names.reserve(names_.schema->fields.size() + kSystemColumns.size() + names_.known_names.size());
    for (const Field& field : names_.schema->fields) names.push_back(field.name);
    for (const SystemColumn& column : kSystemColumns) names.emplace_back(column.name);
    names.insert(names.end(), names_.known_names.begin(), names_.known_names.end());
    return names;
  }

  /// Conditions on the same field share a number, so that its rows are fetched once.
  size_t FieldNumber(FieldReference field) {
    const auto [found, is_new] = field_numbers_.emplace(field.path, fields_.size());
    if (is_new) fields_.push_back(std::move(field));
    return found->second;
  }

  const Predicate::Names& names_;
  std::vector<FieldReference> fields_;
  std::map<std::vector<std::string>, size_t> field_numbers_;
  size_t node_count_ = 0;
};

}  // namespace

Result<Predicate> Predicate::Bind(const Filter& filter, const Names& names) {
  VIPER_ASSERT(names.schema != nullptr);
  if (filter.matches_all()) return Predicate(nullptr);
  VIPER_ASSIGN_OR_RETURN(BoundFilter bound, Binder(names).Bind(*filter.root()));
  return Predicate(std::make_shared<const BoundFilter>(std::move(bound)));
}

}  // namespace viper::columnar
