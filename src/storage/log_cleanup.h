#pragma once

#include <cstdint>
#include <string>

#include "viper/file_system.h"

namespace viper::storage {

/// Which log files are kept.
struct LogRetention {
  /// Those of versions that were committed at this time or later, if not too many; milliseconds.
  int64_t expired_before_ms = 0;
  /// None of what only versions before this one need.
  int64_t oldest_kept_version = 0;
};

/// Remove commits, checkpoints and their checksums that are older than the newest checkpoint from
/// which all that is to be kept can be told; that checkpoint, its own commit and everything after
/// it stay (Delta protocol, "Metadata Cleanup"). Removes nothing if there is no such checkpoint or
/// it cannot be read.
Status CleanExpiredLog(FileSystem& file_system, const std::string& table_directory,
                       const LogRetention& retention);

}  // namespace viper::storage
