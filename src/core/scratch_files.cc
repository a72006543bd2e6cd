#include "core/scratch_files.h"

#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"

namespace viper::core {
namespace {

Status NotInScratch(std::string_view operation, const std::string& path) {
  return Status::Unsupported(fmt::format("files of a trial know no {}: {}", operation, path));
}

}  // namespace

class ScratchFiles::OpenScratchFile final : public WritableFile {
 public:
  explicit OpenScratchFile(Bytes bytes) : bytes_(std::move(bytes)) {}
  Status Append(std::span<const std::byte> bytes) override {
    bytes_->insert(bytes_->end(), bytes.begin(), bytes.end());
    return {};
  }
  Status WriteAt(uint64_t, std::span<const std::byte>) override {
    return Status::Unsupported("files of a trial are only appended to");
  }
  Status Sync() override { return {}; }
  Status Close() override { return {}; }

 private:
  const Bytes bytes_;
};

class ScratchFiles::ScratchMap final : public MappedFile {
 public:
  explicit ScratchMap(Bytes bytes) : bytes_(std::move(bytes)) {}
  std::span<const std::byte> bytes() const override { return *bytes_; }

 private:
  const Bytes bytes_;
};

Result<ScratchFiles::Bytes> ScratchFiles::Find(const std::string& path) const {
  MutexLock lock(mutex_);
  const auto found = files_.find(path);
  if (found != files_.end()) return found->second;
  return Status::NotFound(fmt::format("there is no file {} of a trial", path));
}

Result<std::unique_ptr<WritableFile>> ScratchFiles::CreateFile(const std::string& path) {
  MutexLock lock(mutex_);
  const auto [place, is_new] = files_.emplace(path, std::make_shared<std::vector<std::byte>>());
  if (!is_new) return Status::AlreadyExists(fmt::format("the file {} of a trial exists", path));
  return std::unique_ptr<WritableFile>(std::make_unique<OpenScratchFile>(place->second));
}

Result<std::unique_ptr<MappedFile>> ScratchFiles::Map(const std::string& path) {
  VIPER_ASSIGN_OR_RETURN(Bytes bytes, Find(path));
  return std::unique_ptr<MappedFile>(std::make_unique<ScratchMap>(std::move(bytes)));
}

Result<bool> ScratchFiles::Exists(const std::string& path) {
  MutexLock lock(mutex_);
  return files_.contains(path);
}

Result<uint64_t> ScratchFiles::FileSize(const std::string& path) {
  VIPER_ASSIGN_OR_RETURN(const Bytes bytes, Find(path));
  return bytes->size();
}

Status ScratchFiles::Rename(const std::string& from, const std::string& to) {
  MutexLock lock(mutex_);
  auto node = files_.extract(from);
  if (node.empty()) return Status::NotFound(fmt::format("there is no file {} of a trial", from));
  files_.insert_or_assign(to, std::move(node.mapped()));
  return {};
}

Status ScratchFiles::RemoveFile(const std::string& path) {
  MutexLock lock(mutex_);
  if (files_.erase(path) > 0) return {};
  return Status::NotFound(fmt::format("there is no file {} of a trial", path));
}

Status ScratchFiles::CreateDirectories(const std::string&) { return {}; }
Status ScratchFiles::SyncDirectory(const std::string&) { return {}; }

Result<std::unique_ptr<WritableFile>> ScratchFiles::OpenForWrite(const std::string& path) {
  return NotInScratch("OpenForWrite", path);
}
Result<std::unique_ptr<RandomAccessFile>> ScratchFiles::OpenForRead(const std::string& path) {
  return NotInScratch("OpenForRead", path);
}
Result<std::vector<std::string>> ScratchFiles::List(const std::string& directory) {
  return NotInScratch("List", directory);
}
Status ScratchFiles::Link(const std::string& existing, const std::string&) {
  return NotInScratch("Link", existing);
}
Status ScratchFiles::RemoveDirectoryTree(const std::string& directory) {
  return NotInScratch("RemoveDirectoryTree", directory);
}
Result<std::unique_ptr<FileLock>> ScratchFiles::Lock(const std::string& path) {
  return NotInScratch("Lock", path);
}

}  // namespace viper::core
