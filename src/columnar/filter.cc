#include "viper/filter.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/hash.h"
#include "columnar/filter_lexer.h"
#include "columnar/filter_node.h"
#include "viper/value.h"

namespace viper {

std::string_view FilterOpName(FilterOp op) {
  switch (op) {
    case FilterOp::kAnd:
      return "AND";
    case FilterOp::kOr:
      return "OR";
    case FilterOp::kNot:
      return "NOT";
    case FilterOp::kEqual:
      return "=";
    case FilterOp::kNotEqual:
      return "!=";
    case FilterOp::kLess:
      return "<";
    case FilterOp::kLessEqual:
      return "<=";
    case FilterOp::kGreater:
      return ">";
    case FilterOp::kGreaterEqual:
      return ">=";
    case FilterOp::kIn:
      return "IN";
    case FilterOp::kBetween:
      return "BETWEEN";
    case FilterOp::kLike:
      return "LIKE";
    case FilterOp::kContains:
      return "CONTAINS";
    case FilterOp::kIsNull:
      return "IS NULL";
  }
  return "?";
}

bool operator==(const FilterNode& left, const FilterNode& right) {
  return left.op == right.op && left.path == right.path && left.values == right.values &&
         std::equal(left.children.begin(), left.children.end(), right.children.begin(),
                    right.children.end(),
                    [](const auto& a, const auto& b) { return a == b || (a && b && *a == *b); });
}

namespace {

uint64_t HashOf(const Value& value) {
  // Whole lists and objects are rare in filters: their text will do.
  const auto kind = static_cast<uint64_t>(value.kind());
  if (const auto* text = value.as_string()) return Hash64(*text, kind);
  if (const auto* number = value.as_int64())
    return Hash64(std::as_bytes(std::span(number, 1)), kind);
  if (const auto* moment = value.as_timestamp()) {
    return Hash64(std::as_bytes(std::span(&moment->micros, 1)), kind);
  }
  if (const auto* number = value.as_float64()) {
    // Minus zero equals zero.
    const double plain = *number == 0 ? 0 : *number;
    return Hash64(std::as_bytes(std::span(&plain, 1)), kind);
  }
  return Hash64(value.ToJson(), kind);
}

}  // namespace

uint64_t HashOf(const FilterNode& node) {
  uint64_t hash = static_cast<uint64_t>(node.op) + 1;
  for (const std::string& step : node.path) hash = Hash64(step, hash);
  const auto add = [&hash](uint64_t part) {
    hash = Hash64(std::as_bytes(std::span(&part, 1)), hash);
  };
  for (const Value& value : node.values) add(HashOf(value));
  for (const auto& child : node.children) add(child == nullptr ? 0 : HashOf(*child));
  return hash;
}

size_t MemoryBytesOf(const FilterNode& node) {
  constexpr size_t kAllocation = 32;
  size_t bytes = sizeof(FilterNode) + kAllocation + node.value_positions.size() * sizeof(size_t);
  for (const std::string& step : node.path) bytes += sizeof(std::string) + step.size();
  for (const Value& value : node.values) {
    const std::string* text = value.as_string();
    bytes += sizeof(Value) + (text == nullptr ? 0 : kAllocation + text->size());
  }
  for (const auto& child : node.children) {
    bytes += sizeof(child) + (child == nullptr ? 0 : MemoryBytesOf(*child));
  }
  return bytes;
}

FilterNodePointer MakeConnective(FilterOp op, std::vector<FilterNodePointer> children) {
  VIPER_ASSERT(op == FilterOp::kAnd || op == FilterOp::kOr);
  std::vector<FilterNodePointer> flat;
  flat.reserve(children.size());
  for (FilterNodePointer& child : children) {
    if (child == nullptr) {
      if (op == FilterOp::kOr) return nullptr;
    } else if (child->op == op) {
      flat.insert(flat.end(), child->children.begin(), child->children.end());
    } else {
      flat.push_back(std::move(child));
    }
  }
  if (flat.size() == 1) return std::move(flat.front());
  if (flat.empty() && op == FilterOp::kAnd) return nullptr;
  auto node = std::make_shared<FilterNode>();
  node->op = op;
  node->children = std::move(flat);
  return node;
}

FilterNodePointer MakeNot(FilterNodePointer child) {
  if (child == nullptr) return MakeConnective(FilterOp::kOr, {});
  if (child->op == FilterOp::kOr && child->children.empty()) return nullptr;
  if (child->op == FilterOp::kNot) return child->children.front();
  auto node = std::make_shared<FilterNode>();
  node->op = FilterOp::kNot;
  node->children.push_back(std::move(child));
  return node;
}

namespace {

// -- Printing
// -----------------------------------------------------------------------------------------

/// How tightly a node binds; a child that binds looser than its place needs is put in parentheses.
enum Binding : uint8_t { kBindsAsOr = 1, kBindsAsAnd, kBindsAsNot, kBindsAsCondition };

Binding BindingOf(const FilterNode& node) {
  if (node.children.empty()) return kBindsAsCondition;
  if (node.op == FilterOp::kOr) return kBindsAsOr;
  return node.op == FilterOp::kAnd ? kBindsAsAnd : kBindsAsNot;
}

void PrintQuoted(std::string_view text, char quote, std::string& out) {
  out += quote;
  for (const char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  out += quote;
}

void PrintPath(const std::vector<std::string>& path, std::string& out) {
  for (size_t i = 0; i < path.size(); ++i) {
    if (i > 0) out += '.';
    if (columnar::IsBareName(path[i])) {
      out += path[i];
    } else {
      PrintQuoted(path[i], '"', out);
    }
  }
}

void PrintValue(const Value& value, std::string& out) {
  if (value.as_string() != nullptr) {
    PrintQuoted(*value.as_string(), '\'', out);
  } else if (value.as_timestamp() != nullptr) {
    out += "TIMESTAMP ";
    PrintQuoted(value.as_timestamp()->ToString(), '\'', out);
  } else if (value.as_bool() != nullptr) {
    out += *value.as_bool() ? "TRUE" : "FALSE";
  } else if (value.is_null()) {
    out += "NULL";
  } else {
    out += value.ToJson();
  }
}

bool HasNegatedForm(FilterOp op) {
  return op == FilterOp::kIn || op == FilterOp::kBetween || op == FilterOp::kLike ||
         op == FilterOp::kContains || op == FilterOp::kIsNull;
}

void PrintCondition(const FilterNode& node, bool negated, std::string& out) {
  PrintPath(node.path, out);
  if (node.op == FilterOp::kIsNull) {
    out += negated ? " IS NOT NULL" : " IS NULL";
    return;
  }
  out += negated ? " NOT " : " ";
  out += FilterOpName(node.op);
  out += node.op == FilterOp::kIn ? " (" : " ";
  const std::string_view separator = node.op == FilterOp::kBetween ? " AND " : ", ";
  for (size_t i = 0; i < node.values.size(); ++i) {
    if (i > 0) out += separator;
    PrintValue(node.values[i], out);
  }
  if (node.op == FilterOp::kIn) out += ')';
}

void PrintNode(const FilterNode& node, std::string& out);

void PrintChild(const FilterNode& child, Binding least, std::string& out) {
  const bool parentheses = BindingOf(child) < least;
  if (parentheses) out += '(';
  PrintNode(child, out);
  if (parentheses) out += ')';
}

void PrintNode(const FilterNode& node, std::string& out) {
  switch (node.op) {
    case FilterOp::kNot: {
      const FilterNode& child = *node.children.front();
      if (HasNegatedForm(child.op)) return PrintCondition(child, true, out);
      out += "NOT ";
      return PrintChild(child, kBindsAsNot, out);
    }
    case FilterOp::kAnd:
    case FilterOp::kOr: {
      const bool is_and = node.op == FilterOp::kAnd;
      if (node.children.empty()) out += is_and ? "TRUE" : "FALSE";
      for (size_t i = 0; i < node.children.size(); ++i) {
        if (i > 0) out += is_and ? " AND " : " OR ";
        PrintChild(*node.children[i], is_and ? kBindsAsNot : kBindsAsAnd, out);
      }
      return;
    }
    default:
      return PrintCondition(node, false, out);
  }
}

}  // namespace

std::string Filter::ToString() const {
  std::string text;
  if (root_ != nullptr) PrintNode(*root_, text);
  return text;
}

// -- Building
// -----------------------------------------------------------------------------------------

Filter operator&&(const Filter& left, const Filter& right) {
  return Filter(MakeConnective(FilterOp::kAnd, {left.root_, right.root_}));
}

Filter operator||(const Filter& left, const Filter& right) {
  return Filter(MakeConnective(FilterOp::kOr, {left.root_, right.root_}));
}

Filter operator!(const Filter& operand) { return Filter(MakeNot(operand.root_)); }

namespace where {
namespace {

Filter MakeCondition(std::vector<std::string> path, FilterOp op, std::vector<Value> values) {
  auto node = std::make_shared<FilterNode>();
  node->op = op;
  node->path = std::move(path);
  node->values = std::move(values);
  return Filter(std::move(node));
}

Filter MakeComparison(std::vector<std::string> path, FilterOp op, Value value) {
  std::vector<Value> values;
  values.push_back(std::move(value));
  return MakeCondition(std::move(path), op, std::move(values));
}

}  // namespace

Field::Field(std::string_view name) {
  size_t begin = 0;
  for (size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', begin)) {
    steps_.emplace_back(name.substr(begin, dot - begin));
    begin = dot + 1;
  }
  steps_.emplace_back(name.substr(begin));
}

Field Field::Path(std::vector<std::string> steps) {
  Field field{std::string_view()};
  field.steps_ = std::move(steps);
  return field;
}

Filter Field::In(std::vector<Value> values) const {
  return MakeCondition(steps_, FilterOp::kIn, std::move(values));
}

Filter Field::Between(Value low, Value high) const {
  std::vector<Value> values;
  values.push_back(std::move(low));
  values.push_back(std::move(high));
  return MakeCondition(steps_, FilterOp::kBetween, std::move(values));
}

Filter Field::Like(std::string pattern) const {
  return MakeComparison(steps_, FilterOp::kLike, std::move(pattern));
}

Filter Field::Contains(Value element) const {
  return MakeComparison(steps_, FilterOp::kContains, std::move(element));
}

Filter Field::IsNull() const { return MakeCondition(steps_, FilterOp::kIsNull, {}); }

Filter operator==(const Field& field, Value value) {
  return MakeComparison(field.steps_, FilterOp::kEqual, std::move(value));
}

Filter operator!=(const Field& field, Value value) {
  return MakeComparison(field.steps_, FilterOp::kNotEqual, std::move(value));
}

Filter operator<(const Field& field, Value value) {
  return MakeComparison(field.steps_, FilterOp::kLess, std::move(value));
}

Filter operator<=(const Field& field, Value value) {
  return MakeComparison(field.steps_, FilterOp::kLessEqual, std::move(value));
}

Filter operator>(const Field& field, Value value) {
  return MakeComparison(field.steps_, FilterOp::kGreater, std::move(value));
}

Filter operator>=(const Field& field, Value value) {
  return MakeComparison(field.steps_, FilterOp::kGreaterEqual, std::move(value));
}

}  // namespace where
}  // namespace viper
