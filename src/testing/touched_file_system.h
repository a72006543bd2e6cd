#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "viper/file_system.h"

namespace viper {

/// Passes everything on to another file system, but counts which bytes of mapped files are looked
/// at: maps are copies whose pages cannot be read until the first look at each, which is counted.
/// No read-ahead and no cache of the operating system blurs the count; its grain is a page of
/// memory. Takes the signal SIGSEGV for itself. Linux and the like.
class TouchedFileSystem final : public FileSystem {
 public:
  /// Only files whose names end so are counted. `files` must outlive it.
  TouchedFileSystem(FileSystem& files, std::string ending);

  /// Of the maps made so far: their bytes, and those of the pages that were looked at.
  uint64_t mapped_bytes() const { return counts_->mapped; }
  uint64_t touched_bytes() const { return counts_->touched; }

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

  struct Counts {
    std::atomic<uint64_t> mapped{0};
    std::atomic<uint64_t> touched{0};
  };

 private:
  FileSystem& files_;
  const std::string ending_;
  /// Maps may outlive the file system.
  const std::shared_ptr<Counts> counts_ = std::make_shared<Counts>();
};

}  // namespace viper
