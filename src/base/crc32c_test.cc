#include "base/crc32c.h"

#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/coding.h"
#include "base/random.h"

namespace viper {
namespace {

std::vector<std::byte> RandomBytes(Random& random, size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.Next());
  return bytes;
}

TEST(Crc32c, KnownVectors) {
  EXPECT_EQ(crc32c::Value({}), 0U);
  EXPECT_EQ(crc32c::Value(AsBytes("123456789")), 0xE3069283U);
  // RFC 3720, appendix B.4.
  std::vector<std::byte> bytes(32, std::byte{0});
  EXPECT_EQ(crc32c::Value(bytes), 0x8A9136AAU);
  bytes.assign(32, std::byte{0xff});
  EXPECT_EQ(crc32c::Value(bytes), 0x62A8AB43U);
  for (size_t i = 0; i < 32; ++i) bytes[i] = static_cast<std::byte>(i);
  EXPECT_EQ(crc32c::Value(bytes), 0x46DD794EU);
  for (size_t i = 0; i < 32; ++i) bytes[i] = static_cast<std::byte>(31 - i);
  EXPECT_EQ(crc32c::Value(bytes), 0x113FDB5CU);
}

TEST(Crc32c, PortableKnownVector) {
  EXPECT_EQ(crc32c::ExtendPortable(0, AsBytes("123456789")), 0xE3069283U);
}

TEST(Crc32c, FastPathEqualsPortableAtEverySizeAndAlignment) {
  constexpr uint64_t kSeed = 4;
  Random random(kSeed);
  const std::vector<std::byte> bytes = RandomBytes(random, 64 << 10);
  const auto check = [&](size_t start, size_t size) {
    const auto part = std::span(bytes).subspan(start, size);
    const auto seed = static_cast<uint32_t>(random.Next());
    ASSERT_EQ(crc32c::Extend(seed, part), crc32c::ExtendPortable(seed, part))
        << "start=" << start << " size=" << size;
  };
  for (size_t size = 0; size < 300; ++size) check(size % 8, size);
  // Around the block sizes of the interleaved lanes, and far beyond.
  for (size_t block : {768U, 1536U, 6144U, 12288U, 6912U}) {
    for (size_t delta = 0; delta < 20; ++delta) check(delta % 9, block - 10 + delta);
  }
  for (int round = 0; round < 300; ++round) {
    const size_t start = random.Uniform(1000);
    check(start, random.Uniform(bytes.size() - start));
  }
}

TEST(Crc32c, ExtendingPieceByPieceEqualsOneGo) {
  constexpr uint64_t kSeed = 5;
  Random random(kSeed);
  const std::vector<std::byte> bytes = RandomBytes(random, 20'000);
  for (int round = 0; round < 100; ++round) {
    const size_t cut = random.Uniform(bytes.size() + 1);
    const uint32_t first = crc32c::Value(std::span(bytes).first(cut));
    ASSERT_EQ(crc32c::Extend(first, std::span(bytes).subspan(cut)), crc32c::Value(bytes)) << cut;
  }
}

TEST(Crc32c, EverySingleBitFlipIsSeen) {
  constexpr uint64_t kSeed = 6;
  Random random(kSeed);
  std::vector<std::byte> bytes = RandomBytes(random, 200);
  const uint32_t before = crc32c::Value(bytes);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
    ASSERT_NE(crc32c::Value(bytes), before);
    bytes[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
  }
}

}  // namespace
}  // namespace viper
