#include "storage/wal_format.h"

#include <string>

#include <gtest/gtest.h>

#include "base/coding.h"
#include "testing/status_matchers.h"

namespace viper::storage {
namespace {

constexpr uint64_t kSalt = 0x0123456789ABCDEF;

std::string ToHex(std::span<const std::byte> bytes) {
  std::string hex;
  for (const std::byte byte : bytes) {
    hex += "0123456789abcdef"[std::to_integer<int>(byte) >> 4];
    hex += "0123456789abcdef"[std::to_integer<int>(byte) & 15];
  }
  return hex;
}

std::vector<std::byte> MakeFrame(std::string_view payload) {
  std::vector<std::byte> bytes;
  WalFrameCode(kSalt).Append({.sequence = 9,
                              .durable_sequence = 7,
                              .payload_bytes = static_cast<uint32_t>(payload.size()),
                              .type = 3},
                             AsBytes(payload), bytes);
  return bytes;
}

// Persistent: docs/format/wal.md.
TEST(WalFormat, GoldenSegmentHeader) {
  EXPECT_EQ(ToHex(EncodeWalHeader({.salt = kSalt, .first_sequence = 42, .segment_bytes = 1 << 20})),
            "564950455257414c0100000000100000efcdab89674523012a00000000000000"
            "00001000000000000000000000000000000000000000000000000000bc04f445");
}

TEST(WalFormat, GoldenFrame) {
  EXPECT_EQ(ToHex(MakeFrame("vector")),
            "577d81f7060000000900000000000000070000000000000003008448766563746f72000000000000");
}

TEST(WalFormat, HeaderComesBack) {
  const WalSegmentHeader header{.salt = 5, .first_sequence = 6, .segment_bytes = 7};
  const auto bytes = EncodeWalHeader(header);
  ASSERT_OK_AND_ASSIGN(const WalSegmentHeader decoded, DecodeWalHeader(bytes));
  EXPECT_EQ(decoded, header);
}

TEST(WalFormat, EveryFlippedBitOfAHeaderIsNoticed) {
  const auto good = EncodeWalHeader({.salt = 5, .first_sequence = 6, .segment_bytes = 7});
  for (size_t bit = 0; bit < 8 * good.size(); ++bit) {
    auto bytes = good;
    bytes[bit / 8] ^= std::byte(1 << (bit % 8));
    EXPECT_STATUS(kCorruption, "segment header", DecodeWalHeader(bytes));
  }
  EXPECT_STATUS(kCorruption, "cut", DecodeWalHeader(std::span(good).first(63)));
}

TEST(WalFormat, FramesAreAligned) {
  for (size_t payload = 0; payload < 40; ++payload) {
    EXPECT_EQ(WalFrameBytes(payload) % kWalFrameAlignment, 0);
    EXPECT_GE(WalFrameBytes(payload), kWalFrameHeaderBytes + payload);
    EXPECT_LT(WalFrameBytes(payload), kWalFrameHeaderBytes + payload + kWalFrameAlignment);
    EXPECT_EQ(MakeFrame(std::string(payload, 'x')).size(), WalFrameBytes(payload));
  }
}

TEST(WalFormat, FrameComesBack) {
  const auto bytes = MakeFrame("vector");
  const auto frame = WalFrameCode(kSalt).DecodeHeader(bytes);
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(frame->sequence, 9);
  EXPECT_EQ(frame->durable_sequence, 7);
  EXPECT_EQ(frame->payload_bytes, 6);
  EXPECT_EQ(frame->type, 3);
  EXPECT_EQ(frame->flags, 0);
  EXPECT_TRUE(WalFrameCode(kSalt).Verify(std::span(bytes).first(kWalFrameHeaderBytes + 6)));
}

TEST(WalFormat, EveryFlippedBitOfAFrameIsNoticed) {
  const auto good = MakeFrame("vector");
  const WalFrameCode code(kSalt);
  for (size_t bit = 0; bit < 8 * (kWalFrameHeaderBytes + 6); ++bit) {
    auto bytes = good;
    bytes[bit / 8] ^= std::byte(1 << (bit % 8));
    EXPECT_FALSE(code.Verify(std::span(bytes).first(kWalFrameHeaderBytes + 6))) << "bit " << bit;
    const bool is_in_checked_header = bit >= 32 && bit < 8 * kWalFrameHeaderBytes;
    EXPECT_EQ(code.DecodeHeader(bytes).has_value(), !is_in_checked_header) << "bit " << bit;
  }
}

TEST(WalFormat, AFrameOfAnotherSaltDoesNotPass) {
  const auto bytes = MakeFrame("vector");
  EXPECT_FALSE(WalFrameCode(kSalt + 1).DecodeHeader(bytes).has_value());
  EXPECT_FALSE(WalFrameCode(kSalt + 1).Verify(std::span(bytes).first(kWalFrameHeaderBytes + 6)));
}

TEST(WalFormat, ZerosAreNoFrame) {
  const std::vector<std::byte> zeros(64);
  EXPECT_FALSE(WalFrameCode(kSalt).Verify(std::span(zeros).first(kWalFrameHeaderBytes)));
}

}  // namespace
}  // namespace viper::storage
