#include "testing/cow_bytes.h"

#include <string>

#include <gtest/gtest.h>

#include "base/coding.h"
#include "base/random.h"

namespace viper {
namespace {

std::string Text(const CowBytes& bytes) {
  std::string text(bytes.size(), '?');
  bytes.Read(0, std::as_writable_bytes(std::span(text.data(), text.size())));
  return text;
}

TEST(CowBytes, CopiesDoNotSeeEachOthersWrites) {
  CowBytes original;
  original.Write(0, AsBytes("original"));
  CowBytes copy = original;
  copy.Write(0, AsBytes("C"));
  original.Write(8, AsBytes("!"));
  EXPECT_EQ(Text(copy), "Criginal");
  EXPECT_EQ(Text(original), "original!");
}

TEST(CowBytes, GapsAreZero) {
  CowBytes bytes;
  bytes.Write(40'000, AsBytes("x"));
  EXPECT_EQ(Text(bytes), std::string(40'000, '\0') + "x");
  bytes.Extend(10);  // never shrinks
  EXPECT_EQ(bytes.size(), 40'001U);
}

TEST(CowBytes, FlattenedContentIsSharedAndKeepsItsMoment) {
  CowBytes bytes;
  bytes.Write(0, AsBytes("before"));
  const CowBytes copy = bytes;
  const auto flat = bytes.Flatten();
  EXPECT_EQ(copy.Flatten(), flat);
  bytes.Write(0, AsBytes("after!"));
  EXPECT_EQ(AsText(*flat), "before");
  EXPECT_EQ(AsText(*bytes.Flatten()), "after!");
  EXPECT_TRUE(CowBytes().Flatten()->empty());
}

TEST(CowBytes, RandomWritesAndCopiesEqualThoseOfStrings) {
  constexpr uint64_t kSeed = 14;
  Random random(kSeed);
  std::vector<CowBytes> bytes(3);
  std::vector<std::string> texts(3);
  for (int round = 0; round < 500; ++round) {
    const size_t i = random.Uniform(3);
    if (random.Chance(0.2)) {
      const size_t source = random.Uniform(3);
      bytes[i] = bytes[source];
      texts[i] = texts[source];
      continue;
    }
    const size_t offset = random.Uniform(100'000);
    const std::string text(1 + random.Uniform(40'000), static_cast<char>('a' + round % 26));
    bytes[i].Write(offset, AsBytes(text));
    texts[i].resize(std::max(texts[i].size(), offset + text.size()));
    texts[i].replace(offset, text.size(), text);
    ASSERT_EQ(Text(bytes[i]), texts[i]) << "round=" << round;
  }
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(AsText(*bytes[i].Flatten()), texts[i]);
}

}  // namespace
}  // namespace viper
