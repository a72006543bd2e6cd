#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "viper/file_system.h"

namespace viper::storage {

/// What one segment of the write-ahead log holds, read to its end; ReplayWal judges what that means
/// for the log as a whole.
struct WalSegmentAudit {
  std::string path;
  uint64_t first_sequence = 0;
  /// Of the last record that is whole and follows the one before; first_sequence - 1 if none is.
  uint64_t last_sequence = 0;
  uint64_t records = 0;
  uint64_t file_bytes = 0;
  /// Where the last of them ends.
  uint64_t end_offset = 0;
  /// What is wrong with its header, or a record that this build cannot read; empty if nothing.
  std::string problem;
  /// Behind the last whole record lies what can only be the rest of another one: torn, or damaged.
  bool has_remains = false;
};

/// Read all segments in a log's directory, by rising first number; none if it does not exist. A
/// segment holds the numbers up to where the next one begins. May run beside a writer: segments
/// that it drops meanwhile are left out.
Result<std::vector<WalSegmentAudit>> AuditWalSegments(FileSystem& file_system,
                                                      const std::string& directory);

}  // namespace viper::storage
