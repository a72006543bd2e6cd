#include "pipeline/line_reader.h"

#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pipeline/source_limits.h"
#include "pipeline/source_testing.h"

namespace viper::pipeline {
namespace {

std::vector<std::string> LinesOf(LineReader& reader) {
  std::vector<std::string> lines;
  while (true) {
    const auto line = reader.Next();
    EXPECT_TRUE(line.ok()) << line.status().ToString();
    if (!line.ok() || !line->has_value()) return lines;
    lines.emplace_back(**line);
    EXPECT_EQ(reader.line_number(), lines.size());
  }
}

std::vector<std::string> LinesOf(const std::string& content) {
  LineReader reader(MakeInput(content));
  return LinesOf(reader);
}

using Lines = std::vector<std::string>;

TEST(LineReader, LastLineNeedsNoLineFeed) {
  EXPECT_EQ(LinesOf(""), Lines{});
  EXPECT_EQ(LinesOf("\n"), Lines{""});
  EXPECT_EQ(LinesOf("a\nb\n"), (Lines{"a", "b"}));
  EXPECT_EQ(LinesOf("a\n\nb"), (Lines{"a", "", "b"}));
  EXPECT_EQ(LinesOf("a\r\nb\r\n"), (Lines{"a\r", "b\r"}));
}

TEST(LineReader, ByteOrderMarkIsLeftOutAtTheFrontOnly) {
  EXPECT_EQ(LinesOf("\xEF\xBB\xBF"
                    "a\n\xEF\xBB\xBF"
                    "b"),
            (Lines{"a",
                   "\xEF\xBB\xBF"
                   "b"}));
}

TEST(LineReader, LinesOfAllLengthsComeOutAsTheyWentIn) {
  constexpr uint32_t kSeed = 20261122;
  SCOPED_TRACE(kSeed);
  std::mt19937 random(kSeed);
  Lines expected;
  std::string content;
  for (int i = 0; i < 300; ++i) {
    // Mostly short ones; some longer than a block, so that the buffer has to move and to grow.
    const size_t length = i % 60 == 7 ? random() % (3 * kReadBlockBytes) : random() % 20'000;
    expected.emplace_back(length, static_cast<char>('a' + random() % 26));
    content += expected.back() + "\n";
  }
  LineReader reader(MakeInput(content));
  EXPECT_EQ(LinesOf(reader), expected);
  EXPECT_EQ(reader.fraction_read(), 1.0);
  reader.Rewind();
  EXPECT_EQ(reader.fraction_read(), 0.0);
  EXPECT_EQ(LinesOf(reader), expected);
}

TEST(LineReader, LineBeyondTheLimitIsRefusedByNumber) {
  LineReader reader(MakeInput("short\n" + std::string(kLineBytesMax + 1, 'x') + "\n"));
  ASSERT_TRUE(reader.Next().ok());
  EXPECT_EQ(reader.Next().status().message(),
            "input, line 2: line is too long: max_bytes=33554432");
  LineReader longest(MakeInput(std::string(kLineBytesMax, 'x') + "\n"));
  const auto line = longest.Next();
  ASSERT_TRUE(line.ok()) << line.status().ToString();
  EXPECT_EQ((*line)->size(), kLineBytesMax);
}

TEST(LineReader, PaddingBehindTheLastLineMayBeRead) {
  LineReader reader(MakeInput("abc"));
  const auto line = reader.Next();
  ASSERT_TRUE(line.ok());
  const volatile char* bytes = (*line)->data();
  for (size_t i = 0; i < kLinePadding; ++i) static_cast<void>(bytes[3 + i]);  // for the sanitizer
}

}  // namespace
}  // namespace viper::pipeline
