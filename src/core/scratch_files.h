#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "platform/mutex.h"
#include "viper/file_system.h"

namespace viper::core {

/// Files in memory, for trials: what is written can be mapped and removed. Directories are not kept
/// account of; locks, links and everything else is Unsupported. Thread-safe.
class ScratchFiles final : public FileSystem {
 public:
  Result<std::unique_ptr<WritableFile>> CreateFile(const std::string& path) override;
  Result<std::unique_ptr<WritableFile>> OpenForWrite(const std::string& path) override;
  Result<std::unique_ptr<RandomAccessFile>> OpenForRead(const std::string& path) override;
  Result<std::unique_ptr<MappedFile>> Map(const std::string& path) override;
  Result<std::vector<std::string>> List(const std::string& directory) override;
  Result<bool> Exists(const std::string& path) override;
  Result<uint64_t> FileSize(const std::string& path) override;
  Status CreateDirectories(const std::string& directory) override;
  Status Link(const std::string& existing, const std::string& name) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status RemoveFile(const std::string& path) override;
  Status RemoveDirectoryTree(const std::string& directory) override;
  Status SyncDirectory(const std::string& directory) override;
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override;

 private:
  using Bytes = std::shared_ptr<std::vector<std::byte>>;
  class OpenScratchFile;
  class ScratchMap;
  Result<Bytes> Find(const std::string& path) const VIPER_EXCLUDES(mutex_);

  mutable Mutex mutex_;
  std::map<std::string, Bytes> files_ VIPER_GUARDED_BY(mutex_);
};

}  // namespace viper::core
