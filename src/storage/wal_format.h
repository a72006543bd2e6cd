#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "viper/result.h"

namespace viper::storage {

/// The bytes of the write-ahead log: docs/format/wal.md. Persistent.

inline constexpr size_t kWalHeaderBytes = 64;
/// The header has its page for itself, so that no write of a record ever touches it again.
inline constexpr size_t kWalFirstFrame = 4096;
inline constexpr size_t kWalFrameHeaderBytes = 28;
/// Where a frame holds its sequence number.
inline constexpr size_t kWalSequenceOffset = 8;
inline constexpr size_t kWalFrameAlignment = 8;
inline constexpr size_t kWalPayloadBytesMax = size_t{1} << 30;

/// Bytes that a record takes in a segment.
constexpr size_t WalFrameBytes(size_t payload_bytes) {
  return (kWalFrameHeaderBytes + payload_bytes + kWalFrameAlignment - 1) / kWalFrameAlignment *
         kWalFrameAlignment;
}
inline constexpr size_t kWalFrameBytesMin = WalFrameBytes(0);

struct WalSegmentHeader {
  uint64_t salt = 0;
  uint64_t first_sequence = 0;
  uint64_t segment_bytes = 0;
  friend bool operator==(const WalSegmentHeader&, const WalSegmentHeader&) = default;
};

std::array<std::byte, kWalHeaderBytes> EncodeWalHeader(const WalSegmentHeader& header);
/// Corruption saying what is wrong; Unsupported for a newer format version.
Result<WalSegmentHeader> DecodeWalHeader(std::span<const std::byte> bytes);

struct WalFrame {
  uint64_t sequence = 0;
  uint64_t durable_sequence = 0;
  uint32_t payload_bytes = 0;
  uint8_t type = 0;
  uint8_t flags = 0;
};

/// Frames of the segment that has this salt: a frame that an earlier life of the same blocks left
/// behind does not pass.
class WalFrameCode {
 public:
  explicit WalFrameCode(uint64_t salt);

  /// Append the frame of a record to `out`. `frame.payload_bytes` is that of `payload`.
  void Append(const WalFrame& frame, std::span<const std::byte> payload,
              std::vector<std::byte>& out) const;
  /// The header at the beginning of `bytes` (at least kWalFrameHeaderBytes), if its own check
  /// passes. The payload may still be damaged.
  std::optional<WalFrame> DecodeHeader(std::span<const std::byte> bytes) const;
  /// True if header and payload are what was written. `frame_bytes` ends with the payload.
  bool Verify(std::span<const std::byte> frame_bytes) const;

 private:
  uint32_t salt_crc_;
};

}  // namespace viper::storage
