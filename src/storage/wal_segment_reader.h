#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "storage/wal_format.h"
#include "viper/file_system.h"

namespace viper::storage {

/// What lies behind a place where no valid frame was.
struct WalScan {
  struct Found {
    uint64_t offset = 0;
    uint64_t sequence = 0;
  };
  /// The nearest valid frame.
  std::optional<Found> first;
  /// Over all valid frames; 0 if there is none.
  uint64_t newest_sequence = 0;
  uint64_t newest_durable = 0;
  /// End of the last bytes that are known to have been written: a valid frame, or the header of the
  /// frame that was expected. The place itself if there are none.
  uint64_t written_end = 0;
};

/// Reads the frames of one segment, through a window of the file. Not thread-safe.
class WalSegmentReader {
 public:
  /// NotFound; Corruption for a damaged header, Unsupported for a newer format.
  static Result<std::unique_ptr<WalSegmentReader>> Open(FileSystem& file_system,
                                                        const std::string& path,
                                                        uint64_t first_sequence);

  struct Record {
    WalFrame frame;
    std::span<const std::byte> payload;  // until the next call
  };

  WalSegmentReader(std::string path, std::unique_ptr<RandomAccessFile> file, uint64_t salt)
      : path_(std::move(path)), file_(std::move(file)), code_(salt) {}

  const std::string& path() const { return path_; }

  /// The record with this number at this offset; nullopt if there is none or it is damaged.
  /// Unsupported if it is whole and says something that this build does not know.
  Result<std::optional<Record>> Read(uint64_t offset, uint64_t sequence);
  /// As Read, but not from what was read before: another process may have written since.
  Result<std::optional<Record>> ReadAgain(uint64_t offset, uint64_t sequence);
  /// Search the rest of the segment for valid frames with higher numbers than `sequence`, which was
  /// expected at `offset`. Corruption if the bytes are made to keep a search busy for ever.
  Result<WalScan> Scan(uint64_t offset, uint64_t sequence);

 private:
  /// The next place from `at` on with a number that a frame there may have, if another frame was
  /// expected at an earlier place; the size of the file if there is none.
  Result<uint64_t> FindCandidate(uint64_t at, const WalScan::Found& expected);
  /// The header at `offset` if it may belong to a frame that fits.
  Result<std::optional<WalFrame>> ReadHeader(uint64_t offset);
  Result<bool> Verify(uint64_t offset, const WalFrame& frame);
  /// [offset, offset + count), which must lie in the file.
  Result<std::span<const std::byte>> View(uint64_t offset, size_t count);

  const std::string path_;
  const std::unique_ptr<RandomAccessFile> file_;
  const WalFrameCode code_;
  std::vector<std::byte> window_;
  uint64_t window_offset_ = 0;
};

}  // namespace viper::storage
