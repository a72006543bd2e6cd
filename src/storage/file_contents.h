#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "viper/file_system.h"

namespace viper::storage {

/// Files of the Delta log are read whole; one above this size is refused (Unsupported).
inline constexpr uint64_t kLogFileBytesMax = uint64_t{1} << 30;

Result<std::vector<std::byte>> ReadLogFile(FileSystem& file_system, const std::string& path);

/// Write a new file and sync it. When this fails no file is left.
Status WriteSyncedFile(FileSystem& file_system, const std::string& path,
                       std::span<const std::byte> bytes);

}  // namespace viper::storage
