#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "viper/file_system.h"

namespace viper {

/// Another file system, but something else happens at the moment when a file is made, or opened to
/// be read, or a directory is listed: what another process may do then.
class HookedFileSystem final : public FileSystem {
 public:
  using OpenedFile = Result<std::unique_ptr<RandomAccessFile>>;

  /// `files` must outlive it.
  explicit HookedFileSystem(FileSystem& files) : files_(files) {}

  /// In place of opening it. Set while nobody uses the file system.
  std::function<OpenedFile(const std::string& path)> open;
  /// Before it is made.
  std::function<void(const std::string& path)> before_create;
  /// Before it is listed.
  std::function<void(const std::string& directory)> before_list;

  OpenedFile OpenForRead(const std::string& path) override {
    return open ? open(path) : files_.OpenForRead(path);
  }
  Result<std::vector<std::string>> List(const std::string& directory) override {
    if (before_list) before_list(directory);
    return files_.List(directory);
  }
  Result<std::unique_ptr<WritableFile>> CreateFile(const std::string& path) override {
    if (before_create) before_create(path);
    return files_.CreateFile(path);
  }
  Result<std::unique_ptr<WritableFile>> OpenForWrite(const std::string& path) override {
    return files_.OpenForWrite(path);
  }
  Result<std::unique_ptr<MappedFile>> Map(const std::string& path) override {
    return files_.Map(path);
  }
  Result<bool> Exists(const std::string& path) override { return files_.Exists(path); }
  Result<uint64_t> FileSize(const std::string& path) override { return files_.FileSize(path); }
  Status CreateDirectories(const std::string& directory) override {
    return files_.CreateDirectories(directory);
  }
  Status Link(const std::string& existing, const std::string& name) override {
    return files_.Link(existing, name);
  }
  Status Rename(const std::string& from, const std::string& to) override {
    return files_.Rename(from, to);
  }
  Status RemoveFile(const std::string& path) override { return files_.RemoveFile(path); }
  Status RemoveDirectoryTree(const std::string& directory) override {
    return files_.RemoveDirectoryTree(directory);
  }
  Status SyncDirectory(const std::string& directory) override {
    return files_.SyncDirectory(directory);
  }
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    return files_.Lock(path);
  }

 private:
  FileSystem& files_;
};

}  // namespace viper
