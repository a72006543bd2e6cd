// Parses the text form of filters: recursive descent, one token of look-ahead.
//
//   filter    = [ or ]
//   or        = and { OR and }
//   and       = not { AND not }
//   not       = { NOT } ( "(" or ")" | TRUE | FALSE | condition )
//   condition = field ( comparison value | IS [NOT] NULL
//                     | [NOT] ( IN "(" [ value { "," value } ] ")" | BETWEEN value AND value
//                             | LIKE value | CONTAINS value ) )
//   field     = name { "." name }
//   value     = string | [-] number | TRUE | FALSE | TIMESTAMP string
//
// Whether fields exist and types fit is Predicate::Bind's part.

#include <fmt/core.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "columnar/filter_lexer.h"
#include "columnar/filter_message.h"
#include "columnar/filter_node.h"
#include "viper/filter.h"
#include "viper/result.h"
#include "viper/status.h"
#include "viper/value.h"

namespace viper {
namespace columnar {
namespace {

std::string Found(const Token& token) {
  switch (token.kind) {
    case TokenKind::kEnd:
      return "end of text";
    case TokenKind::kString:
      return fmt::format("string '{}'", Shortened(token.content));
    case TokenKind::kQuotedName:
    case TokenKind::kNumber:
      return Shortened(token.text);
    case TokenKind::kWord:
    case TokenKind::kSymbol:
      return fmt::format("'{}'", Shortened(token.text));
  }
  return "?";
}

Status Expected(std::string_view what, const Token& found, std::string_view hint = {}) {
  return FilterError(fmt::format("expected {} at position {}, found {}{}", what, found.position,
                                 Found(found), hint));
}

Status TooLarge(std::string_view what, size_t limit, size_t position) {
  return FilterError(fmt::format("{} at position {}: limit={}", what, position, limit));
}

std::optional<FilterOp> ComparisonOf(const Token& token) {
  if (token.IsSymbol("=") || token.IsSymbol("==")) return FilterOp::kEqual;
  if (token.IsSymbol("!=") || token.IsSymbol("<>")) return FilterOp::kNotEqual;
  if (token.IsSymbol("<")) return FilterOp::kLess;
  if (token.IsSymbol("<=")) return FilterOp::kLessEqual;
  if (token.IsSymbol(">")) return FilterOp::kGreater;
  if (token.IsSymbol(">=")) return FilterOp::kGreaterEqual;
  return std::nullopt;
}

/// `digits` may begin with a minus sign.
Result<Value> ParseNumber(const std::string& digits, size_t position) {
  const char* const begin = digits.data();
  const char* const end = begin + digits.size();
  if (digits.find_first_of(".eE") == std::string::npos) {
    int64_t integer = 0;
    if (std::from_chars(begin, end, integer).ec == std::errc()) return Value(integer);
    return FilterError(
        fmt::format("integer {} at position {} does not fit 64 bits", Shortened(digits), position));
  }
  double real = 0;
  if (std::from_chars(begin, end, real).ec == std::errc()) return Value(real);
  return FilterError(fmt::format("number {} at position {} is outside the range of float64",
                                 Shortened(digits), position));
}

class FilterParser {
 public:
  explicit FilterParser(std::string_view text) : lexer_(text) {}

  Result<FilterNodePointer> Parse() {
    VIPER_RETURN_IF_ERROR(Advance());
    if (current_.kind == TokenKind::kEnd) return FilterNodePointer();
    VIPER_ASSIGN_OR_RETURN(FilterNodePointer root, ParseOr());
    if (current_.kind != TokenKind::kEnd) return Expected("AND, OR or end of text", current_);
    return root;
  }

 private:
  Status Advance() {
    VIPER_ASSIGN_OR_RETURN(current_, lexer_.Next());
    return {};
  }

  Result<bool> AdvanceIf(Keyword keyword) {
    if (!current_.Is(keyword)) return false;
    VIPER_RETURN_IF_ERROR(Advance());
    return true;
  }

  Status CountNode(size_t position) {
    if (++node_count_ <= kFilterNodesMax) return {};
    return TooLarge("too many conditions", kFilterNodesMax, position);
  }

  Result<FilterNodePointer> ParseOr() {
    return ParseConnective(FilterOp::kOr, Keyword::kOr, &FilterParser::ParseAnd);
  }

  Result<FilterNodePointer> ParseAnd() {
    return ParseConnective(FilterOp::kAnd, Keyword::kAnd, &FilterParser::ParseNot);
  }

  Result<FilterNodePointer> ParseConnective(FilterOp op, Keyword keyword,
                                            Result<FilterNodePointer> (FilterParser::*operand)()) {
    VIPER_ASSIGN_OR_RETURN(FilterNodePointer first, (this->*operand)());
    if (!current_.Is(keyword)) return first;
    VIPER_RETURN_IF_ERROR(CountNode(current_.position));
    std::vector<FilterNodePointer> operands;
    operands.push_back(std::move(first));
    while (current_.Is(keyword)) {
      VIPER_RETURN_IF_ERROR(Advance());
      VIPER_ASSIGN_OR_RETURN(FilterNodePointer next, (this->*operand)());
      operands.push_back(std::move(next));
    }
    return MakeConnective(op, std::move(operands));
  }

  Result<FilterNodePointer> ParseNot() {
    bool negated = false;
    while (current_.Is(Keyword::kNot)) {
      negated = !negated;
      VIPER_RETURN_IF_ERROR(Advance());
    }
    if (negated) VIPER_RETURN_IF_ERROR(CountNode(current_.position));
    VIPER_ASSIGN_OR_RETURN(FilterNodePointer operand, ParsePrimary());
    return negated ? MakeNot(std::move(operand)) : operand;
  }

  Result<FilterNodePointer> ParsePrimary() {
    if (current_.IsSymbol("(")) return ParseParentheses();
    VIPER_RETURN_IF_ERROR(CountNode(current_.position));
    VIPER_ASSIGN_OR_RETURN(const bool is_true, AdvanceIf(Keyword::kTrue));
    if (is_true) return FilterNodePointer();
    VIPER_ASSIGN_OR_RETURN(const bool is_false, AdvanceIf(Keyword::kFalse));
    if (is_false) return MakeNot(nullptr);
    return ParseCondition();
  }

  Result<FilterNodePointer> ParseParentheses() {
    const size_t opened_at = current_.position;
    if (++depth_ > kFilterDepthMax) {
      return TooLarge("too many parentheses inside each other", kFilterDepthMax, opened_at);
    }
    VIPER_RETURN_IF_ERROR(Advance());
    VIPER_ASSIGN_OR_RETURN(FilterNodePointer inner, ParseOr());
    if (!current_.IsSymbol(")")) {
      return Expected("AND, OR or ')'", current_,
                      fmt::format("; the '(' at position {} is open", opened_at));
    }
    VIPER_RETURN_IF_ERROR(Advance());
    --depth_;
    return inner;
  }

  Result<FilterNodePointer> ParseCondition() {
    auto node = std::make_shared<FilterNode>();
    VIPER_RETURN_IF_ERROR(ParseField(*node));
    VIPER_ASSIGN_OR_RETURN(const bool negated, ParseOperation(*node));
    return negated ? MakeNot(std::move(node)) : FilterNodePointer(std::move(node));
  }

  Status ParseField(FilterNode& node) {
    node.field_position = current_.position;
    const bool is_keyword =
        current_.keyword != Keyword::kNone && current_.keyword != Keyword::kTimestamp;
    if (is_keyword) {
      return Expected("a field", current_, "; write a key of that name in double quotes");
    }
    if (current_.kind == TokenKind::kString || current_.kind == TokenKind::kNumber) {
      return Expected("a field", current_,
                      "; a condition begins with the field, the value follows");
    }
    VIPER_RETURN_IF_ERROR(ParseStep("a field", node));
    while (current_.IsSymbol(".")) {
      VIPER_RETURN_IF_ERROR(Advance());
      VIPER_RETURN_IF_ERROR(ParseStep("a name after '.'", node));
    }
    return {};
  }

  Status ParseStep(std::string_view what, FilterNode& node) {
    if (current_.kind == TokenKind::kWord) {
      node.path.emplace_back(current_.text);
    } else if (current_.kind == TokenKind::kQuotedName) {
      node.path.push_back(std::move(current_.content));
    } else {
      return Expected(what, current_);
    }
    if (node.path.size() > kFilterPathStepsMax) {
      return TooLarge("too many steps in a path", kFilterPathStepsMax, current_.position);
    }
    return Advance();
  }

  /// Fill `node` with what follows the field; true if it is negated as a whole.
  Result<bool> ParseOperation(FilterNode& node) {
    if (const auto comparison = ComparisonOf(current_)) {
      node.op = *comparison;
      const std::string_view symbol = current_.text;
      VIPER_RETURN_IF_ERROR(Advance());
      VIPER_RETURN_IF_ERROR(ParseValue(node, symbol));
      return false;
    }
    if (current_.Is(Keyword::kIs)) return ParseNullTest(node);
    VIPER_ASSIGN_OR_RETURN(const bool negated, AdvanceIf(Keyword::kNot));
    switch (current_.keyword) {
      case Keyword::kIn:
        VIPER_RETURN_IF_ERROR(ParseList(node));
        return negated;
      case Keyword::kBetween:
        VIPER_RETURN_IF_ERROR(ParseBetween(node));
        return negated;
      case Keyword::kLike:
      case Keyword::kContains: {
        const bool is_like = current_.keyword == Keyword::kLike;
        node.op = is_like ? FilterOp::kLike : FilterOp::kContains;
        VIPER_RETURN_IF_ERROR(Advance());
        VIPER_RETURN_IF_ERROR(ParseValue(node, FilterOpName(node.op)));
        return negated;
      }
      default:
        break;
    }
    if (negated) return Expected("IN, BETWEEN, LIKE or CONTAINS after NOT", current_);
    return Expected(fmt::format("an operator after field '{}'", PathName(node.path)), current_);
  }

  Result<bool> ParseNullTest(FilterNode& node) {
    node.op = FilterOp::kIsNull;
    VIPER_RETURN_IF_ERROR(Advance());
    VIPER_ASSIGN_OR_RETURN(const bool negated, AdvanceIf(Keyword::kNot));
    if (!current_.Is(Keyword::kNull)) {
      return Expected(negated ? "NULL after IS NOT" : "NULL or NOT NULL after IS", current_);
    }
    VIPER_RETURN_IF_ERROR(Advance());
    return negated;
  }

  Status ParseList(FilterNode& node) {
    node.op = FilterOp::kIn;
    VIPER_RETURN_IF_ERROR(Advance());
    if (!current_.IsSymbol("(")) return Expected("'(' after IN", current_);
    std::string_view before = "(";
    VIPER_RETURN_IF_ERROR(Advance());
    while (!current_.IsSymbol(")") || before == ",") {
      if (node.values.size() == kFilterListMax) {
        return TooLarge("too many values in IN", kFilterListMax, current_.position);
      }
      VIPER_RETURN_IF_ERROR(ParseValue(node, before));
      if (current_.IsSymbol(")")) break;
      if (!current_.IsSymbol(",")) return Expected("',' or ')'", current_);
      before = ",";
      VIPER_RETURN_IF_ERROR(Advance());
    }
    return Advance();
  }

  Status ParseBetween(FilterNode& node) {
    node.op = FilterOp::kBetween;
    VIPER_RETURN_IF_ERROR(Advance());
    VIPER_RETURN_IF_ERROR(ParseValue(node, "BETWEEN"));
    if (!current_.Is(Keyword::kAnd)) {
      return Expected("AND between the bounds of BETWEEN", current_);
    }
    VIPER_RETURN_IF_ERROR(Advance());
    return ParseValue(node, "AND");
  }

  Status ParseValue(FilterNode& node, std::string_view after) {
    node.value_positions.push_back(current_.position);
    VIPER_ASSIGN_OR_RETURN(Value value, ParseLiteral(after));
    node.values.push_back(std::move(value));
    return {};
  }

  Result<Value> ParseLiteral(std::string_view after) {
    if (current_.kind == TokenKind::kString) {
      Value text(std::move(current_.content));
      VIPER_RETURN_IF_ERROR(Advance());
      return text;
    }
    if (current_.kind == TokenKind::kNumber || current_.IsSymbol("-")) return ParseSignedNumber();
    if (current_.Is(Keyword::kTimestamp)) return ParseTimestamp();
    if (current_.Is(Keyword::kTrue) || current_.Is(Keyword::kFalse)) {
      const bool is_true = current_.Is(Keyword::kTrue);
      VIPER_RETURN_IF_ERROR(Advance());
      return Value(is_true);
    }
    if (current_.Is(Keyword::kNull)) {
      return FilterError(
          fmt::format("nothing compares with NULL at position {}; write IS NULL or IS NOT NULL",
                      current_.position));
    }
    const bool is_name = current_.kind == TokenKind::kQuotedName ||
                         (current_.kind == TokenKind::kWord && current_.keyword == Keyword::kNone);
    return Expected(fmt::format("a value after '{}'", after), current_,
                    is_name ? "; strings are written in single quotes: 'text'" : "");
  }

  Result<Value> ParseSignedNumber() {
    const size_t position = current_.position;
    std::string digits;
    if (current_.IsSymbol("-")) {
      digits = "-";
      VIPER_RETURN_IF_ERROR(Advance());
      if (current_.kind != TokenKind::kNumber) return Expected("a number after '-'", current_);
    }
    digits += current_.text;
    VIPER_ASSIGN_OR_RETURN(Value number, ParseNumber(digits, position));
    VIPER_RETURN_IF_ERROR(Advance());
    return number;
  }

  Result<Value> ParseTimestamp() {
    VIPER_RETURN_IF_ERROR(Advance());
    if (current_.kind != TokenKind::kString) {
      return Expected("a string such as '2026-11-22' after TIMESTAMP", current_);
    }
    const Result<Timestamp> time = Timestamp::Parse(current_.content);
    if (!time.ok()) {
      return FilterError(
          fmt::format("{} at position {}", time.status().message(), current_.position));
    }
    VIPER_RETURN_IF_ERROR(Advance());
    return Value(*time);
  }

  FilterLexer lexer_;
  Token current_;
  size_t depth_ = 0;
  size_t node_count_ = 0;
};

}  // namespace
}  // namespace columnar

Result<Filter> Filter::Parse(std::string_view text) {
  if (text.size() > kFilterTextBytesMax) {
    return columnar::FilterError(
        fmt::format("the text is too long: limit={} actual={}", kFilterTextBytesMax, text.size()));
  }
  if (!IsValidUtf8(text)) return columnar::FilterError("the text is not valid UTF-8");
  VIPER_ASSIGN_OR_RETURN(FilterNodePointer root, columnar::FilterParser(text).Parse());
  return Filter(std::move(root));
}

}  // namespace viper
