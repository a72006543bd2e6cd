#include "pipeline/new_file.h"

#include <utility>

#include <fmt/core.h>

#include "base/assert.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "storage/directory_creation.h"
#include "storage/file_names.h"

namespace viper::pipeline {
namespace {

/// Create a directory and what it lies in, and make the entries of those that were not there
/// durable. That of the innermost in any case: whoever created it may have died before he could.
Status CreateDirectoryOf(FileSystem& file_system, const std::string& directory) {
  int levels = 0;
  for (std::string path = directory; path != "." && path != "/";
       path = storage::ParentDirectory(path)) {
    VIPER_ASSIGN_OR_RETURN(const bool exists, file_system.Exists(path));
    if (exists && levels > 0) break;
    ++levels;
    if (exists) break;
  }
  return storage::CreateDurableDirectories(file_system, directory, levels);
}

std::string NameIn(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

Status Exists(const std::string& path) {
  return Status::AlreadyExists(
      fmt::format("the file exists, and overwriting was not asked for: {}", path));
}

}  // namespace

NewFile::NewFile(FileSystem& file_system, std::string path, bool overwrite)
    : file_system_(file_system),
      path_(std::move(path)),
      directory_(storage::ParentDirectory(path_)),
      staged_path_(
          storage::JoinPath(directory_, fmt::format(".{}.{}.tmp", NameIn(path_), MakeUuid()))),
      overwrite_(overwrite) {}

NewFile::~NewFile() {
  file_.reset();
  // Best effort: a hidden file harms nobody.
  if (is_staged_) (void)file_system_.RemoveFile(staged_path_).ok();
}

Result<std::unique_ptr<NewFile>> NewFile::Create(FileSystem& file_system, const std::string& path,
                                                 bool overwrite) {
  if (NameIn(path).empty()) {
    return Status::InvalidArgument(fmt::format("the path names no file: '{}'", path));
  }
  if (!overwrite) {
    VIPER_ASSIGN_OR_RETURN(const bool exists, file_system.Exists(path));
    if (exists) return Exists(path);
  }
  std::unique_ptr<NewFile> file(new NewFile(file_system, path, overwrite));
  VIPER_RETURN_IF_ERROR(CreateDirectoryOf(file_system, file->directory_));
  file->is_staged_ = true;
  VIPER_ASSIGN_OR_RETURN(file->file_, file_system.CreateFile(file->staged_path_));
  return file;
}

Status NewFile::Sync() {
  VIPER_RETURN_IF_ERROR(file_->Sync());
  return file_->Close();
}

Status NewFile::Commit() {
  if (overwrite_) {
    VIPER_RETURN_IF_ERROR(file_system_.Rename(staged_path_, path_));
    is_staged_ = false;
    return file_system_.SyncDirectory(directory_);
  }
  const Status linked = file_system_.Link(staged_path_, path_);
  if (linked.code() == StatusCode::kAlreadyExists) return Exists(path_);
  VIPER_RETURN_IF_ERROR(linked);
  // A link may have moved it.
  const Status removed = file_system_.RemoveFile(staged_path_);
  is_staged_ = !removed.ok() && removed.code() != StatusCode::kNotFound;
  const Status synced = file_system_.SyncDirectory(directory_);
  // The call fails, so the file is not to be there.
  if (!synced.ok()) (void)file_system_.RemoveFile(path_).ok();
  return synced;
}

void NewFile::Revoke() {
  VIPER_ASSERT(!overwrite_);
  if (file_system_.RemoveFile(path_).ok()) (void)file_system_.SyncDirectory(directory_).ok();
}

}  // namespace viper::pipeline
