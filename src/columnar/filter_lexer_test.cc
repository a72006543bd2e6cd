#include "columnar/filter_lexer.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "testing/status_matchers.h"

namespace viper::columnar {
namespace {

/// All tokens as "kind:text@position".
std::string TokensOf(std::string_view text) {
  constexpr std::string_view kKindNames = "ewqsny";
  FilterLexer lexer(text);
  std::string tokens;
  while (true) {
    const Result<Token> token = lexer.Next();
    if (!token.ok()) return token.status().message();
    if (token->kind == TokenKind::kEnd) return tokens;
    if (!tokens.empty()) tokens += ' ';
    tokens += kKindNames[static_cast<size_t>(token->kind)];
    tokens += ":" + std::string(token->text) + "@" + std::to_string(token->position);
  }
}

TEST(FilterLexer, SplitsWithPositions) {
  EXPECT_EQ(TokensOf("year>=2000 AND\tt"), "w:year@1 y:>=@5 n:2000@7 w:AND@12 w:t@16");
  EXPECT_EQ(TokensOf("a.b=-1.5e-3"), "w:a@1 y:.@2 w:b@3 y:=@4 y:-@5 n:1.5e-3@6");
  EXPECT_EQ(TokensOf("a<>b<=c==d!=e<f>g=h"),
            "w:a@1 y:<>@2 w:b@4 y:<=@5 w:c@7 y:==@8 w:d@10 y:!=@11 w:e@13 y:<@14 w:f@15 y:>@16 "
            "w:g@17 y:=@18 w:h@19");
  EXPECT_EQ(TokensOf("(a, b)"), "y:(@1 w:a@2 y:,@3 w:b@5 y:)@6");
  EXPECT_EQ(TokensOf(" \t\n\r\v\f"), "");
}

TEST(FilterLexer, PositionsCountBytes) { EXPECT_EQ(TokensOf("é=1"), "w:é@1 y:=@3 n:1@4"); }

TEST(FilterLexer, GivesTheEndAgainAndAgain) {
  FilterLexer lexer("a ");
  ASSERT_OK(lexer.Next());
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK_AND_ASSIGN(const Token token, lexer.Next());
    EXPECT_EQ(token.kind, TokenKind::kEnd);
    EXPECT_EQ(token.position, 3U);
  }
}

TEST(FilterLexer, UnquotesNamesAndStrings) {
  for (const auto& [text, kind, content] :
       std::vector<std::tuple<std::string_view, TokenKind, std::string>>{
           {"'it''s'", TokenKind::kString, "it's"},
           {"''", TokenKind::kString, ""},
           {"''''", TokenKind::kString, "'"},
           {"'a\"b`c\\'", TokenKind::kString, "a\"b`c\\"},
           {"\"a\"\"b\"", TokenKind::kQuotedName, "a\"b"},
           {"`a``b`", TokenKind::kQuotedName, "a`b"}}) {
    FilterLexer lexer(text);
    ASSERT_OK_AND_ASSIGN(const Token token, lexer.Next());
    EXPECT_EQ(token.kind, kind) << text;
    EXPECT_EQ(token.content, content);
    EXPECT_EQ(token.text, text);
  }
}

TEST(FilterLexer, KnowsKeywordsInAnyCase) {
  for (const std::string_view text : {"and", "AND", "aNd"}) {
    FilterLexer lexer(text);
    ASSERT_OK_AND_ASSIGN(const Token token, lexer.Next());
    EXPECT_TRUE(token.Is(Keyword::kAnd));
  }
  FilterLexer lexer("'and' android");
  ASSERT_OK_AND_ASSIGN(const Token quoted, lexer.Next());
  EXPECT_FALSE(quoted.Is(Keyword::kAnd));
  ASSERT_OK_AND_ASSIGN(const Token longer, lexer.Next());
  EXPECT_EQ(longer.keyword, Keyword::kNone);
}

TEST(FilterLexer, RefusesWhatIsNoToken) {
  EXPECT_EQ(TokensOf("a = 'x"), "filter: the quote ' at position 5 is not closed");
  EXPECT_EQ(TokensOf("\"x''"), "filter: the quote \" at position 1 is not closed");
  EXPECT_EQ(TokensOf("a = 1x"), "filter: malformed number '1x' at position 5");
  EXPECT_EQ(TokensOf("1."), "filter: malformed number '1.' at position 1");
  EXPECT_EQ(TokensOf("1.2.3"), "filter: malformed number '1.2.3' at position 1");
  EXPECT_EQ(TokensOf("1e"), "filter: malformed number '1e' at position 1");
  EXPECT_EQ(TokensOf("1e+"), "filter: malformed number '1e' at position 1");
  EXPECT_EQ(TokensOf("0x1F"), "filter: malformed number '0x1F' at position 1");
  EXPECT_EQ(TokensOf("a # b"), "filter: unexpected character '#' at position 3");
  EXPECT_EQ(TokensOf("a && b"), "filter: unexpected character '&' at position 3; write AND");
  EXPECT_EQ(TokensOf("a || b"), "filter: unexpected character '|' at position 3; write OR");
  EXPECT_EQ(TokensOf("!a"),
            "filter: unexpected character '!' at position 1; write NOT, or != for unequal");
  EXPECT_EQ(TokensOf(std::string_view("a\0b", 3)),
            "filter: unexpected character 0x00 at position 2");
}

TEST(FilterLexer, BareNamesNeedNoQuotes) {
  for (const std::string_view bare : {"a", "_id", "A1_b", "größe", "android"}) {
    EXPECT_TRUE(IsBareName(bare)) << bare;
  }
  for (const std::string_view quoted : {"", "1a", "a b", "a.b", "a-b", "and", "In", "TIMESTAMP"}) {
    EXPECT_FALSE(IsBareName(quoted)) << quoted;
  }
}

}  // namespace
}  // namespace viper::columnar
