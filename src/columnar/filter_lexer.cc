#include "columnar/filter_lexer.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "columnar/filter_message.h"
#include "viper/result.h"

namespace viper::columnar {
namespace {

struct KeywordName {
  std::string_view name;
  Keyword keyword;
};

constexpr std::array<KeywordName, 12> kKeywords = {{
    {"AND", Keyword::kAnd},
    {"OR", Keyword::kOr},
    {"NOT", Keyword::kNot},
    {"IN", Keyword::kIn},
    {"BETWEEN", Keyword::kBetween},
    {"LIKE", Keyword::kLike},
    {"CONTAINS", Keyword::kContains},
    {"IS", Keyword::kIs},
    {"NULL", Keyword::kNull},
    {"TRUE", Keyword::kTrue},
    {"FALSE", Keyword::kFalse},
    {"TIMESTAMP", Keyword::kTimestamp},
}};

/// Longest first, so that "<=" is not read as "<".
constexpr std::array<std::string_view, 13> kSymbols = {"==", "!=", "<>", "<=", ">=", "=", "<",
                                                       ">",  "(",  ")",  ",",  ".",  "-"};

// The classes of <cctype> depend on the locale.
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool IsWordStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool IsWordPart(char c) { return IsWordStart(c) || IsDigit(c); }
char UpperCase(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

Keyword KeywordOf(std::string_view word) {
  for (const auto& [name, keyword] : kKeywords) {
    if (std::equal(word.begin(), word.end(), name.begin(), name.end(),
                   [](char a, char b) { return UpperCase(a) == b; })) {
      return keyword;
    }
  }
  return Keyword::kNone;
}

std::string_view HintFor(std::string_view rest) {
  if (rest.starts_with("&")) return "; write AND";
  if (rest.starts_with("|")) return "; write OR";
  if (rest.starts_with("!")) return "; write NOT, or != for unequal";
  return "";
}

}  // namespace

bool IsBareName(std::string_view name) {
  return !name.empty() && IsWordStart(name.front()) &&
         std::all_of(name.begin(), name.end(), IsWordPart) && KeywordOf(name) == Keyword::kNone;
}

Result<Token> FilterLexer::Next() {
  while (next_ < text_.size() && IsSpace(text_[next_])) ++next_;
  if (next_ == text_.size()) return Take(TokenKind::kEnd, next_);
  const char c = text_[next_];
  if (IsWordStart(c)) return TakeWord();
  if (IsDigit(c)) return TakeNumber();
  if (c == '\'' || c == '"' || c == '`') return TakeQuoted(c);
  return TakeSymbol();
}

Token FilterLexer::Take(TokenKind kind, size_t begin) {
  Token token;
  token.kind = kind;
  token.position = begin + 1;
  token.text = text_.substr(begin, next_ - begin);
  return token;
}

Token FilterLexer::TakeWord() {
  const size_t begin = next_;
  while (next_ < text_.size() && IsWordPart(text_[next_])) ++next_;
  Token token = Take(TokenKind::kWord, begin);
  token.keyword = KeywordOf(token.text);
  return token;
}

Result<Token> FilterLexer::TakeQuoted(char quote) {
  const size_t begin = next_;
  std::string content;
  for (++next_; next_ < text_.size(); ++next_) {
    if (text_[next_] == quote) {
      const bool doubled = next_ + 1 < text_.size() && text_[next_ + 1] == quote;
      if (!doubled) {
        ++next_;
        Token token = Take(quote == '\'' ? TokenKind::kString : TokenKind::kQuotedName, begin);
        token.content = std::move(content);
        return token;
      }
      ++next_;
    }
    content += text_[next_];
  }
  return FilterError(fmt::format("the quote {} at position {} is not closed", quote, begin + 1));
}

Result<Token> FilterLexer::TakeNumber() {
  const size_t begin = next_;
  const auto skip_digits = [this] {
    while (next_ < text_.size() && IsDigit(text_[next_])) ++next_;
  };
  const auto at = [this](size_t ahead) {
    return next_ + ahead < text_.size() ? text_[next_ + ahead] : '\0';
  };
  skip_digits();
  if (at(0) == '.' && IsDigit(at(1))) {
    ++next_;
    skip_digits();
  }
  if (at(0) == 'e' || at(0) == 'E') {
    const size_t sign = at(1) == '+' || at(1) == '-' ? 1 : 0;
    if (IsDigit(at(1 + sign))) {
      next_ += 1 + sign;
      skip_digits();
    }
  }
  if (!IsWordPart(at(0)) && at(0) != '.') return Take(TokenKind::kNumber, begin);
  while (IsWordPart(at(0)) || at(0) == '.') ++next_;
  return FilterError(fmt::format("malformed number '{}' at position {}",
                                 Shortened(text_.substr(begin, next_ - begin)), begin + 1));
}

Result<Token> FilterLexer::TakeSymbol() {
  const size_t begin = next_;
  const std::string_view rest = text_.substr(begin);
  for (const std::string_view symbol : kSymbols) {
    if (!rest.starts_with(symbol)) continue;
    next_ += symbol.size();
    return Take(TokenKind::kSymbol, begin);
  }
  const auto code = static_cast<unsigned char>(rest.front());
  const std::string shown =
      code < 0x20 || code == 0x7F ? fmt::format("0x{:02x}", code) : fmt::format("'{}'", rest[0]);
  return FilterError(
      fmt::format("unexpected character {} at position {}{}", shown, begin + 1, HintFor(rest)));
}

}  // namespace viper::columnar
