#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "viper/result.h"

namespace viper::columnar {

enum class TokenKind : uint8_t {
  kEnd,
  kWord,        // a bare name or a keyword
  kQuotedName,  // in double quotes or backticks
  kString,      // in single quotes
  kNumber,      // digits, perhaps with a fraction and an exponent; never a sign
  kSymbol,      // ( ) , . - and the comparisons
};

enum class Keyword : uint8_t {
  kNone,
  kAnd,
  kOr,
  kNot,
  kIn,
  kBetween,
  kLike,
  kContains,
  kIs,
  kNull,
  kTrue,
  kFalse,
  kTimestamp,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  /// Of a word, in any case.
  Keyword keyword = Keyword::kNone;
  /// Where it begins, 1-based in bytes.
  size_t position = 1;
  /// As it stands in the text.
  std::string_view text;
  /// What is between the quotes of a name or a string.
  std::string content;

  bool IsSymbol(std::string_view symbol) const {
    return kind == TokenKind::kSymbol && text == symbol;
  }
  bool Is(Keyword wanted) const { return keyword == wanted && keyword != Keyword::kNone; }
};

/// Splits a filter's text into tokens, one at a time.
class FilterLexer {
 public:
  /// `text` must outlive the lexer and its tokens.
  explicit FilterLexer(std::string_view text) : text_(text) {}

  /// The next token; kEnd at the end, and again after it. InvalidArgument with the position for an
  /// open quote, a malformed number and a character that begins no token.
  Result<Token> Next();

 private:
  Token TakeWord();
  Result<Token> TakeQuoted(char quote);
  Result<Token> TakeNumber();
  Result<Token> TakeSymbol();
  Token Take(TokenKind kind, size_t begin);

  std::string_view text_;
  size_t next_ = 0;
};

/// Whether a name can stand in a filter without quotes: [A-Za-z_] and bytes above ASCII, digits
/// after the first, and no keyword.
bool IsBareName(std::string_view name);

}  // namespace viper::columnar
