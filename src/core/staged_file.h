#pragma once

#include <string>
#include <utility>

#include "base/status_macros.h"
#include "viper/file_system.h"
#include "viper/status.h"

namespace viper::core {

/// A file under a name of its own until it is whole; removed unless it is put in place.
class StagedFile {
 public:
  /// `files` must outlive it.
  StagedFile(FileSystem& files, std::string path) : files_(files), path_(std::move(path)) {}
  StagedFile(const StagedFile&) = delete;
  StagedFile& operator=(const StagedFile&) = delete;
  ~StagedFile() {
    // Best effort: what stays behind is swept at the next open.
    if (!path_.empty()) (void)files_.RemoveFile(path_).ok();
  }

  const std::string& path() const { return path_; }
  Status PutInPlace(const std::string& path) {
    VIPER_RETURN_IF_ERROR(files_.Rename(path_, path));
    path_.clear();
    return {};
  }

 private:
  FileSystem& files_;
  std::string path_;
};

}  // namespace viper::core
