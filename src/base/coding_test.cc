#include "base/coding.h"

#include <string>

#include <gtest/gtest.h>

#include "base/random.h"

namespace viper {
namespace {

std::vector<std::byte> Bytes(std::initializer_list<int> values) {
  std::vector<std::byte> bytes;
  for (int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

TEST(ByteWriter, GoldenBytesNeverChange) {
  std::vector<std::byte> out;
  ByteWriter writer(out);
  writer.PutU8(0xAB);
  writer.PutFixed16(0x0102);
  writer.PutFixed32(0x01020304);
  writer.PutFixed64(0x0102030405060708);
  writer.PutVarint(300);
  writer.PutString("hi");
  EXPECT_EQ(out, Bytes({0xAB, 2, 1, 4, 3, 2, 1, 8, 7, 6, 5, 4, 3, 2, 1, 0xAC, 2, 2, 'h', 'i'}));
  EXPECT_EQ(writer.size(), out.size());
}

TEST(ByteReader, ReadsBackWhatTheWriterWrote) {
  constexpr uint64_t kSeed = 3;
  Random random(kSeed);
  for (int round = 0; round < 300; ++round) {
    const uint64_t number = random.Next() >> random.Uniform(64);
    const std::string text(random.Uniform(300), 'x');
    std::vector<std::byte> out;
    ByteWriter writer(out);
    writer.PutVarint(number);
    writer.PutString(text);
    writer.PutFixed16(static_cast<uint16_t>(number));
    writer.PutFixed32(static_cast<uint32_t>(number));
    writer.PutFixed64(number);
    writer.PutU8(static_cast<uint8_t>(number));
    ByteReader reader(out);
    ASSERT_EQ(reader.ReadVarint(), number);
    ASSERT_EQ(reader.ReadString(), text);
    ASSERT_EQ(reader.ReadFixed16(), static_cast<uint16_t>(number));
    ASSERT_EQ(reader.ReadFixed32(), static_cast<uint32_t>(number));
    ASSERT_EQ(reader.ReadFixed64(), number);
    ASSERT_EQ(reader.ReadU8(), static_cast<uint8_t>(number));
    ASSERT_TRUE(reader.done());
  }
}

TEST(ByteReader, EveryShortInputIsRefusedAndMovesNothing) {
  std::vector<std::byte> out;
  ByteWriter(out).PutString(std::string(200, 'x'));
  for (size_t size = 0; size < out.size(); ++size) {
    // A copy of exactly that size lets the address sanitizer see a read past the end.
    const std::vector<std::byte> cut(out.begin(), out.begin() + static_cast<ptrdiff_t>(size));
    ByteReader reader(cut);
    ASSERT_EQ(reader.ReadString(), std::nullopt) << size;
    ASSERT_EQ(reader.position(), 0U);
  }
  const std::vector<std::byte> three = Bytes({1, 2, 3});
  ByteReader reader(three);
  EXPECT_EQ(reader.ReadFixed32(), std::nullopt);
  EXPECT_EQ(reader.ReadFixed64(), std::nullopt);
  EXPECT_EQ(reader.ReadBytes(4), std::nullopt);
  EXPECT_EQ(reader.ReadBytes(UINT64_MAX), std::nullopt);
  EXPECT_EQ(reader.remaining(), 3U);
  EXPECT_EQ(reader.ReadBytes(3)->size(), 3U);
  EXPECT_EQ(reader.ReadU8(), std::nullopt);
}

TEST(ByteReader, VarintOfMoreThan64BitsIsRefused) {
  const std::vector<std::byte> largest =
      Bytes({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01});
  EXPECT_EQ(ByteReader(largest).ReadVarint(), UINT64_MAX);
  const std::vector<std::byte> too_large =
      Bytes({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02});
  EXPECT_EQ(ByteReader(too_large).ReadVarint(), std::nullopt);
  const std::vector<std::byte> endless(20, std::byte{0x80});
  EXPECT_EQ(ByteReader(endless).ReadVarint(), std::nullopt);
}

TEST(ByteReader, StringLongerThanTheInputIsRefused) {
  std::vector<std::byte> out;
  ByteWriter writer(out);
  writer.PutVarint(UINT64_MAX);
  writer.PutU8(0);
  ByteReader reader(out);
  EXPECT_EQ(reader.ReadString(), std::nullopt);
  EXPECT_EQ(reader.position(), 0U);
}

TEST(Coding, FixedIntegersWorkAtAnyAddress) {
  std::vector<std::byte> out(16);
  for (size_t offset = 0; offset < 8; ++offset) {
    StoreFixed<uint64_t>(out.data() + offset, 0x1122334455667788 + offset);
    EXPECT_EQ(LoadFixed<uint64_t>(out.data() + offset), 0x1122334455667788 + offset);
  }
}

}  // namespace
}  // namespace viper
