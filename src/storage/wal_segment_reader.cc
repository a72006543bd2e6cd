#include "storage/wal_segment_reader.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/coding.h"
#include "base/status_macros.h"

namespace viper::storage {
namespace {

constexpr size_t kWindowBytes = size_t{256} << 10;
constexpr size_t kScanStepBytes = size_t{64} << 10;
// Whole frames are skipped once found, so that a scan of honest bytes checksums each byte once; the
// rest is for false alarms.
constexpr uint64_t kScanPassesMax = 4;

}  // namespace

Result<std::unique_ptr<WalSegmentReader>> WalSegmentReader::Open(FileSystem& file_system,
                                                                 const std::string& path,
                                                                 uint64_t first_sequence) {
  VIPER_ASSIGN_OR_RETURN(auto file, file_system.OpenForRead(path));
  std::vector<std::byte> bytes(std::min<uint64_t>(file->size(), kWalHeaderBytes));
  VIPER_RETURN_IF_ERROR(file->ReadAt(0, bytes));
  VIPER_ASSIGN_OR_RETURN(const WalSegmentHeader header, DecodeWalHeader(bytes));
  if (header.first_sequence != first_sequence) {
    return Status::Corruption(
        fmt::format("segment header is that of another: expected={} actual={}", first_sequence,
                    header.first_sequence));
  }
  return std::make_unique<WalSegmentReader>(path, std::move(file), header.salt);
}

Result<std::optional<WalSegmentReader::Record>> WalSegmentReader::Read(uint64_t offset,
                                                                       uint64_t sequence) {
  VIPER_ASSIGN_OR_RETURN(const auto frame, ReadHeader(offset));
  if (!frame || frame->sequence != sequence) return std::optional<Record>();
  VIPER_ASSIGN_OR_RETURN(const bool valid, Verify(offset, *frame));
  if (!valid) return std::optional<Record>();
  if (frame->flags != 0) {
    return Status::Unsupported(
        fmt::format("{}: record {} has flags that this build does not know: {:#x}", path_, sequence,
                    frame->flags));
  }
  VIPER_ASSIGN_OR_RETURN(const auto bytes,
                         View(offset, kWalFrameHeaderBytes + frame->payload_bytes));
  return std::optional<Record>({.frame = *frame, .payload = bytes.subspan(kWalFrameHeaderBytes)});
}

Result<std::optional<WalSegmentReader::Record>> WalSegmentReader::ReadAgain(uint64_t offset,
                                                                            uint64_t sequence) {
  window_.clear();
  return Read(offset, sequence);
}

Result<WalScan> WalSegmentReader::Scan(uint64_t offset, uint64_t sequence) {
  WalScan scan;
  scan.written_end = offset;
  VIPER_ASSIGN_OR_RETURN(const auto expected, ReadHeader(offset));
  if (expected && expected->sequence == sequence) {
    scan.written_end = offset + WalFrameBytes(expected->payload_bytes);
  }
  uint64_t budget = kScanPassesMax * file_->size();
  uint64_t at = offset + kWalFrameBytesMin;
  while (true) {
    VIPER_ASSIGN_OR_RETURN(at, FindCandidate(at, {.offset = offset, .sequence = sequence}));
    if (at == file_->size()) break;
    VIPER_ASSIGN_OR_RETURN(const auto frame, ReadHeader(at));
    const uint64_t frame_bytes = frame ? WalFrameBytes(frame->payload_bytes) : 0;
    if (frame_bytes > budget) {
      return Status::Corruption(fmt::format(
          "{}: too many false frames to tell a torn tail from damage: offset={}", path_, offset));
    }
    budget -= frame_bytes;
    bool valid = false;
    if (frame) {
      VIPER_ASSIGN_OR_RETURN(valid, Verify(at, *frame));
    }
    if (!valid) {
      at += kWalFrameAlignment;
      continue;
    }
    if (!scan.first) scan.first = {.offset = at, .sequence = frame->sequence};
    scan.newest_sequence = std::max(scan.newest_sequence, frame->sequence);
    scan.newest_durable = std::max(scan.newest_durable, frame->durable_sequence);
    at += frame_bytes;
    scan.written_end = std::max(scan.written_end, at);
  }
  return scan;
}

Result<uint64_t> WalSegmentReader::FindCandidate(uint64_t at, const WalScan::Found& expected) {
  while (at <= file_->size() && file_->size() - at >= kWalFrameBytesMin) {
    VIPER_ASSIGN_OR_RETURN(const auto bytes,
                           View(at, std::min<uint64_t>(kScanStepBytes, file_->size() - at)));
    for (size_t i = 0; i + kWalFrameHeaderBytes <= bytes.size(); i += kWalFrameAlignment) {
      const auto number = LoadFixed<uint64_t>(bytes.data() + i + kWalSequenceOffset);
      // Numbers rise by one from frame to frame: few words of a segment may be a number here.
      const uint64_t furthest = (at + i - expected.offset) / kWalFrameBytesMin;
      if (number > expected.sequence && number - expected.sequence <= furthest) return at + i;
    }
    at += (bytes.size() - kWalFrameHeaderBytes) / kWalFrameAlignment * kWalFrameAlignment +
          kWalFrameAlignment;
  }
  return file_->size();
}

Result<std::optional<WalFrame>> WalSegmentReader::ReadHeader(uint64_t offset) {
  const std::optional<WalFrame> none;
  const uint64_t size = file_->size();
  if (offset > size || size - offset < kWalFrameHeaderBytes) return none;
  VIPER_ASSIGN_OR_RETURN(const auto bytes, View(offset, kWalFrameHeaderBytes));
  const auto frame = code_.DecodeHeader(bytes);
  if (!frame || frame->durable_sequence >= frame->sequence ||
      frame->payload_bytes > kWalPayloadBytesMax ||
      frame->payload_bytes > size - offset - kWalFrameHeaderBytes) {
    return none;
  }
  return frame;
}

Result<bool> WalSegmentReader::Verify(uint64_t offset, const WalFrame& frame) {
  VIPER_ASSIGN_OR_RETURN(const auto bytes,
                         View(offset, kWalFrameHeaderBytes + frame.payload_bytes));
  return code_.Verify(bytes);
}

Result<std::span<const std::byte>> WalSegmentReader::View(uint64_t offset, size_t count) {
  const bool inside = offset >= window_offset_ && offset - window_offset_ <= window_.size() &&
                      count <= window_.size() - (offset - window_offset_);
  if (!inside) {
    const uint64_t wanted = std::max(count, kWindowBytes);
    window_.resize(std::min(wanted, file_->size() - offset));
    window_offset_ = offset;
    if (const Status status = file_->ReadAt(offset, window_); !status.ok()) {
      window_.clear();
      return status;
    }
  }
  return std::span<const std::byte>(window_).subspan(offset - window_offset_, count);
}

}  // namespace viper::storage
