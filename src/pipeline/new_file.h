#pragma once

#include <memory>
#include <string>

#include "viper/file_system.h"
#include "viper/result.h"

namespace viper::pipeline {

/// A file that is there as a whole or not at all: it is written under a hidden name beside its own,
/// `.NAME.UUID.tmp`, and put in place when it is complete and on disk. What is not committed is
/// removed by the destructor; a process that dies may leave a hidden file, which nobody reads.
class NewFile {
 public:
  /// Create its directories and the hidden file. AlreadyExists if `path` exists and may not be
  /// replaced. `file_system` must outlive it.
  static Result<std::unique_ptr<NewFile>> Create(FileSystem& file_system, const std::string& path,
                                                 bool overwrite);
  ~NewFile();
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  const std::string& path() const { return path_; }
  /// Where it is until it is committed.
  const std::string& staged_path() const { return staged_path_; }
  WritableFile& file() { return *file_; }

  /// Bring what was written to disk, and close the file.
  Status Sync();
  /// Give the file, which is synced, its name; durable when this returns. AlreadyExists if somebody
  /// took the name meanwhile and it may not be replaced.
  Status Commit();
  /// Take back what Commit did, as far as that goes. Not for a file that may have replaced one.
  void Revoke();

 private:
  NewFile(FileSystem& file_system, std::string path, bool overwrite);

  FileSystem& file_system_;
  const std::string path_;
  const std::string directory_;
  const std::string staged_path_;
  const bool overwrite_;
  std::unique_ptr<WritableFile> file_;
  bool is_staged_ = false;
};

}  // namespace viper::pipeline
