#pragma once

#include <cstdint>
#include <string>

#include "viper/file_system.h"

namespace viper::storage {

/// Remove commits, checkpoints and their checksums that are older than the newest checkpoint whose
/// commit was made before `expired_before_ms`; that checkpoint, its own commit and everything after
/// it stay (Delta protocol, "Metadata Cleanup"). Removes nothing if there is no such checkpoint or
/// it cannot be read.
Status CleanExpiredLog(FileSystem& file_system, const std::string& table_directory,
                       int64_t expired_before_ms);

}  // namespace viper::storage
