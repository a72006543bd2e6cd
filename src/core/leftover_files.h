#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/table_log.h"
#include "viper/file_system.h"

namespace viper::core {

/// Files of a collection that nobody refers to.
struct UnreferencedFiles {
  struct File {
    std::string path;
    std::string why;
    uint64_t bytes = 0;
  };
  /// Ours: staged files, parts and sidecars that the table does not name, half-made log segments. A
  /// writer that is at work may be about to use them; whoever holds its lock may remove them.
  std::vector<File> leftovers;
  /// Not ours to remove: perhaps another writer's, on their way.
  std::vector<File> others;
  /// Removed from the table and still there, for readers of its older versions.
  uint64_t tombstone_count = 0;
  uint64_t tombstone_bytes = 0;
};

/// Look through the directories of a collection. Directories that cannot be read have none.
UnreferencedFiles FindUnreferencedFiles(FileSystem& files, const std::string& directory,
                                        const storage::TableState& table);

}  // namespace viper::core
