#include "storage/wal_format.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/coding.h"
#include "base/crc32c.h"

namespace viper::storage {
namespace {

// "VIPERWAL" in the order of the bytes.
constexpr uint64_t kWalMagic = 0x4C41575245504956;
constexpr uint32_t kWalFormatVersion = 1;
constexpr size_t kWalHeaderCrcOffset = kWalHeaderBytes - sizeof(uint32_t);
// Within a frame.
constexpr size_t kLengthOffset = 4;
constexpr size_t kDurableOffset = 16;
constexpr size_t kTypeOffset = 24;
constexpr size_t kFlagsOffset = 25;
constexpr size_t kCheckOffset = 26;
static_assert(kCheckOffset + sizeof(uint16_t) == kWalFrameHeaderBytes);

// As in LevelDB: a CRC that is computed over data which hold CRCs is a weak one.
constexpr uint32_t Mask(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xA282EAD8; }

// The high half: the low one would cancel out of the CRC that goes on over it.
constexpr uint16_t HeaderCheck(uint32_t crc) { return static_cast<uint16_t>(crc >> 16); }

std::span<const std::byte> CheckedHeader(std::span<const std::byte> frame) {
  return frame.subspan(kLengthOffset, kCheckOffset - kLengthOffset);
}

}  // namespace

std::array<std::byte, kWalHeaderBytes> EncodeWalHeader(const WalSegmentHeader& header) {
  std::array<std::byte, kWalHeaderBytes> bytes{};
  StoreFixed(bytes.data(), kWalMagic);
  StoreFixed(bytes.data() + 8, kWalFormatVersion);
  StoreFixed(bytes.data() + 12, static_cast<uint32_t>(kWalFirstFrame));
  StoreFixed(bytes.data() + 16, header.salt);
  StoreFixed(bytes.data() + 24, header.first_sequence);
  StoreFixed(bytes.data() + 32, header.segment_bytes);
  StoreFixed(bytes.data() + kWalHeaderCrcOffset,
             Mask(crc32c::Value(std::span(bytes).first(kWalHeaderCrcOffset))));
  return bytes;
}

Result<WalSegmentHeader> DecodeWalHeader(std::span<const std::byte> bytes) {
  if (bytes.size() < kWalHeaderBytes) {
    return Status::Corruption(fmt::format("segment header is cut: bytes={}", bytes.size()));
  }
  if (LoadFixed<uint64_t>(bytes.data()) != kWalMagic) {
    return Status::Corruption("segment header has a wrong magic number");
  }
  if (LoadFixed<uint32_t>(bytes.data() + kWalHeaderCrcOffset) !=
      Mask(crc32c::Value(bytes.first(kWalHeaderCrcOffset)))) {
    return Status::Corruption("segment header has a wrong checksum");
  }
  const auto version = LoadFixed<uint32_t>(bytes.data() + 8);
  const auto first_frame = LoadFixed<uint32_t>(bytes.data() + 12);
  if (version != kWalFormatVersion || first_frame != kWalFirstFrame) {
    return Status::Unsupported(
        fmt::format("write-ahead log of another format version: expected={} actual={}",
                    kWalFormatVersion, version));
  }
  return WalSegmentHeader{.salt = LoadFixed<uint64_t>(bytes.data() + 16),
                          .first_sequence = LoadFixed<uint64_t>(bytes.data() + 24),
                          .segment_bytes = LoadFixed<uint64_t>(bytes.data() + 32)};
}

WalFrameCode::WalFrameCode(uint64_t salt)
    : salt_crc_(crc32c::Value(std::as_bytes(std::span(&salt, 1)))) {}

void WalFrameCode::Append(const WalFrame& frame, std::span<const std::byte> payload,
                          std::vector<std::byte>& out) const {
  VIPER_ASSERT(payload.size() == frame.payload_bytes);
  std::array<std::byte, kWalFrameHeaderBytes> header{};
  StoreFixed(header.data() + kLengthOffset, frame.payload_bytes);
  StoreFixed(header.data() + kWalSequenceOffset, frame.sequence);
  StoreFixed(header.data() + kDurableOffset, frame.durable_sequence);
  StoreFixed(header.data() + kTypeOffset, frame.type);
  StoreFixed(header.data() + kFlagsOffset, frame.flags);
  uint32_t crc = crc32c::Extend(salt_crc_, CheckedHeader(header));
  StoreFixed(header.data() + kCheckOffset, HeaderCheck(crc));
  crc = crc32c::Extend(crc, std::span(header).subspan(kCheckOffset));
  crc = crc32c::Extend(crc, payload);
  StoreFixed(header.data(), Mask(crc));

  const size_t end = out.size() + WalFrameBytes(payload.size());
  out.insert(out.end(), header.begin(), header.end());
  out.insert(out.end(), payload.begin(), payload.end());
  out.resize(end);
}

std::optional<WalFrame> WalFrameCode::DecodeHeader(std::span<const std::byte> bytes) const {
  VIPER_ASSERT(bytes.size() >= kWalFrameHeaderBytes);
  const uint32_t crc = crc32c::Extend(salt_crc_, CheckedHeader(bytes));
  if (LoadFixed<uint16_t>(bytes.data() + kCheckOffset) != HeaderCheck(crc)) return std::nullopt;
  return WalFrame{.sequence = LoadFixed<uint64_t>(bytes.data() + kWalSequenceOffset),
                  .durable_sequence = LoadFixed<uint64_t>(bytes.data() + kDurableOffset),
                  .payload_bytes = LoadFixed<uint32_t>(bytes.data() + kLengthOffset),
                  .type = LoadFixed<uint8_t>(bytes.data() + kTypeOffset),
                  .flags = LoadFixed<uint8_t>(bytes.data() + kFlagsOffset)};
}

bool WalFrameCode::Verify(std::span<const std::byte> frame_bytes) const {
  VIPER_ASSERT(frame_bytes.size() >= kWalFrameHeaderBytes);
  const uint32_t crc = crc32c::Extend(salt_crc_, frame_bytes.subspan(kLengthOffset));
  return LoadFixed<uint32_t>(frame_bytes.data()) == Mask(crc);
}

}  // namespace viper::storage
