#pragma once

#include <string>

#include "viper/file_system.h"

namespace viper::storage {

/// Create a directory and its parents, and make the entries of the `levels` innermost ones durable.
/// Syncs also when they exist: whoever created them may have died before he could.
Status CreateDurableDirectories(FileSystem& file_system, const std::string& directory, int levels);

}  // namespace viper::storage
