#include "columnar/like_pattern.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/random.h"
#include "testing/status_matchers.h"

namespace viper::columnar {
namespace {

bool Matches(std::string_view pattern, std::string_view text) {
  return LikePattern::Compile(pattern).value().Matches(text);
}

TEST(LikePattern, PercentMatchesAnyRun) {
  EXPECT_TRUE(Matches("%", ""));
  EXPECT_TRUE(Matches("a%", "a"));
  EXPECT_TRUE(Matches("a%", "abc"));
  EXPECT_FALSE(Matches("a%", "ba"));
  EXPECT_TRUE(Matches("%c", "abc"));
  EXPECT_FALSE(Matches("%c", "abcd"));
  EXPECT_TRUE(Matches("%b%", "abc"));
  EXPECT_TRUE(Matches("a%b%c", "a-b-b-c"));
  EXPECT_FALSE(Matches("a%b%c", "a-c-b"));
  EXPECT_TRUE(Matches("a%%c", "ac"));
}

TEST(LikePattern, WithoutWildcardsIsEquality) {
  EXPECT_TRUE(Matches("", ""));
  EXPECT_FALSE(Matches("", "a"));
  EXPECT_TRUE(Matches("abc", "abc"));
  EXPECT_FALSE(Matches("abc", "abcd"));
  EXPECT_FALSE(Matches("abc", "Abc"));
}

TEST(LikePattern, PiecesMustNotOverlap) {
  EXPECT_FALSE(Matches("ab%ba", "aba"));
  EXPECT_TRUE(Matches("ab%ba", "abba"));
  EXPECT_FALSE(Matches("%aa%aa%", "aaa"));
}

TEST(LikePattern, UnderscoreIsOneCharacterOfUtf8) {
  EXPECT_TRUE(Matches("_", "a"));
  EXPECT_TRUE(Matches("_", "é"));
  EXPECT_TRUE(Matches("_", "日"));
  EXPECT_TRUE(Matches("_", "\xF0\x9F\x98\x80"));
  EXPECT_FALSE(Matches("__", "é"));
  EXPECT_FALSE(Matches("_", ""));
  EXPECT_TRUE(Matches("日_語", "日本語"));
  EXPECT_TRUE(Matches("%_語", "日本語"));
  EXPECT_TRUE(Matches("%__", "日本"));
  EXPECT_FALSE(Matches("%__", "日"));
  EXPECT_FALSE(Matches("%_%_%_%", "日本"));
}

TEST(LikePattern, BackslashTakesTheNextCharacterAsItIs) {
  EXPECT_TRUE(Matches("100\\%", "100%"));
  EXPECT_FALSE(Matches("100\\%", "1000"));
  EXPECT_TRUE(Matches("a\\_b", "a_b"));
  EXPECT_FALSE(Matches("a\\_b", "axb"));
  EXPECT_TRUE(Matches("\\\\", "\\"));
  EXPECT_TRUE(Matches("\\a", "a"));
  EXPECT_STATUS(kInvalidArgument, "lone backslash", LikePattern::Compile("a\\"));
}

TEST(LikePattern, KnowsItsLiteralPrefix) {
  const auto prefix = [](std::string_view pattern) {
    return std::string(LikePattern::Compile(pattern).value().literal_prefix());
  };
  EXPECT_EQ(prefix("abc%d"), "abc");
  EXPECT_EQ(prefix("ab_c%"), "ab");
  EXPECT_EQ(prefix("%abc"), "");
  EXPECT_EQ(prefix("a\\%b%"), "a%b");
  EXPECT_EQ(prefix("abc"), "abc");
}

TEST(LikePattern, EveryMatchBeginsWithThePrefix) {
  Random random(5);
  const auto text_of = [&](std::string_view letters) {
    std::string text;
    for (uint64_t i = random.Uniform(7); i > 0; --i)
      text += letters[random.Uniform(letters.size())];
    return text;
  };
  int matches = 0;
  for (int i = 0; i < 50'000; ++i) {
    const LikePattern pattern = LikePattern::Compile(text_of("ab%_")).value();
    const std::string text = text_of("ab");
    if (!pattern.Matches(text)) continue;
    ++matches;
    ASSERT_TRUE(text.starts_with(pattern.literal_prefix()));
  }
  EXPECT_GT(matches, 1000);
}

TEST(LikePattern, BytesThatAreNotUtf8DoNoHarm) {
  EXPECT_TRUE(Matches("_", "\xFF"));
  EXPECT_TRUE(Matches("%\xFF%", "a\xFFz"));
  EXPECT_FALSE(Matches("_", "\xE6\x97\xA5\x80\x80"));
}

}  // namespace
}  // namespace viper::columnar
