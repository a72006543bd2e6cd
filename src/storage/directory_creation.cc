#include "storage/directory_creation.h"

#include "base/status_macros.h"
#include "storage/file_names.h"

namespace viper::storage {

Status CreateDurableDirectories(FileSystem& file_system, const std::string& directory, int levels) {
  VIPER_RETURN_IF_ERROR(file_system.CreateDirectories(directory));
  std::string path = directory;
  for (int level = 0; level < levels; ++level) {
    path = ParentDirectory(path);
    VIPER_RETURN_IF_ERROR(file_system.SyncDirectory(path));
  }
  return Status::Ok();
}

}  // namespace viper::storage
