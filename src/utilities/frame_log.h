#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "viper/file_system.h"

namespace viper::utilities {

/// A small file of records that is appended to, and now and then written anew: eight bytes that
/// name the format, then per record its length (4 bytes), the CRC-32C of length and payload (4
/// bytes), and the payload. Whatever follows the last whole record was torn off by a crash and is
/// left out. Written anew it takes the place of the old one by a rename, so that there is always
/// one or the other. One user at a time, which the caller sees to. Not thread-safe.
class FrameLog {
 public:
  /// Payloads larger than this are refused.
  static constexpr size_t kPayloadBytesMax = size_t{16} << 20;

  struct Opened {
    std::unique_ptr<FrameLog> log;
    std::vector<std::vector<std::byte>> payloads;
    /// Bytes after the last whole record.
    uint64_t lost_bytes = 0;
  };
  /// Open the file at `path`, creating it; its directory must exist. A torn end is cut off. `kind`
  /// is eight characters. Unsupported if the file is of another kind.
  static Result<Opened> Open(FileSystem& file_system, const std::string& path,
                             std::string_view kind);

  /// Durable after Sync; before, it survives the end of the process. After a failure nothing more
  /// is appended until the file is written anew: FailedPrecondition.
  Status Append(std::span<const std::byte> payload);
  Status Sync();
  /// Replace all records by these, durably.
  Status Rewrite(std::span<const std::vector<std::byte>> payloads);
  uint64_t bytes() const { return bytes_; }

 private:
  FrameLog(FileSystem& file_system, std::string path, std::string_view kind)
      : file_system_(file_system), path_(std::move(path)), kind_(kind) {}

  FileSystem& file_system_;
  const std::string path_;
  const std::string kind_;
  /// Null after a failure.
  std::unique_ptr<WritableFile> file_;
  uint64_t bytes_ = 0;
};

}  // namespace viper::utilities
