#include "testing/memory_file_system.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "platform/mutex.h"
#include "testing/counts.h"

namespace viper {
namespace {

constexpr uint64_t kFileBytesMax = uint64_t{1} << 30;
constexpr size_t kLogLinesMax = 1000;

// How often the file systems of this program crashed, and how many operations they made to fail.
// Tells it when the program ends.
class InjectionCounts {
 public:
  ~InjectionCounts() {
    if (crashes_ > 0) PrintCount("crash points", crashes_);
    if (failed_ == 0) return;
    PrintCount("failed file operations", failed_);
    PrintCount("failed file operations: full disk", full_disks_);
    PrintCount("failed file operations: short write", short_writes_);
    PrintCount("failed file operations: sync", syncs_);
  }

  void AddCrash() { ++crashes_; }
  void Add(const InjectedFault& fault) {
    ++failed_;
    if (fault.code == StatusCode::kResourceExhausted) ++full_disks_;
    if (fault.written_bytes > 0) ++short_writes_;
    const bool is_sync =
        fault.operation == FileOperation::kSync || fault.operation == FileOperation::kSyncDirectory;
    if (is_sync) ++syncs_;
  }

 private:
  std::atomic<uint64_t> crashes_{0};
  std::atomic<uint64_t> failed_{0};
  std::atomic<uint64_t> full_disks_{0};
  std::atomic<uint64_t> short_writes_{0};
  std::atomic<uint64_t> syncs_{0};
};

InjectionCounts injection_counts;

// How an operation goes on after injected crashes and faults had their say.
struct Verdict {
  Status status;
  bool crashed_now = false;
  // Of a failing write, what is still written.
  size_t written_bytes = 0;
};

struct ActiveFault {
  InjectedFault fault;
  uint64_t seen = 0;
};

Status NotFound(std::string_view operation, std::string_view path) {
  return Status::NotFound(
      fmt::format("cannot {} '{}': no such file or directory", operation, path));
}

Status AlreadyExists(std::string_view operation, std::string_view path) {
  return Status::AlreadyExists(fmt::format("cannot {} '{}': it exists", operation, path));
}

Status WrongKind(std::string_view operation, std::string_view path, std::string_view kind) {
  return Status::IoError(fmt::format("cannot {} '{}': {}", operation, path, kind));
}

Status InjectedCrash(std::string_view path) {
  return Status::IoError(fmt::format("injected crash: path='{}'", path));
}

}  // namespace

// The tree and what is injected, shared with open files. Functions need the lock.
class MemoryFileSystem::Core {
 public:
  // A name and the directory that has or may have it.
  struct Place {
    std::shared_ptr<MemoryDirectory> directory;
    std::string name;

    MemoryEntry entry() const { return directory->Find(name); }
  };

  Result<MemoryEntry> Find(std::string_view operation, const std::string& path)
      VIPER_REQUIRES(mutex) {
    VIPER_ASSIGN_OR_RETURN(const std::vector<std::string> steps, Split(path));
    MemoryEntry entry{.file = nullptr, .directory = root};
    for (const std::string& step : steps) {
      if (entry.directory == nullptr) return WrongKind(operation, path, "not a directory");
      entry = entry.directory->Find(step);
      if (!entry.exists()) return NotFound(operation, path);
    }
    return entry;
  }

  Result<std::shared_ptr<MemoryFile>> FindFile(std::string_view operation, const std::string& path)
      VIPER_REQUIRES(mutex) {
    VIPER_ASSIGN_OR_RETURN(const MemoryEntry entry, Find(operation, path));
    if (entry.file == nullptr) return WrongKind(operation, path, "not a regular file");
    return entry.file;
  }

  Result<std::shared_ptr<MemoryDirectory>> FindDirectory(std::string_view operation,
                                                         const std::string& path)
      VIPER_REQUIRES(mutex) {
    VIPER_ASSIGN_OR_RETURN(const MemoryEntry entry, Find(operation, path));
    if (entry.directory == nullptr) return WrongKind(operation, path, "not a directory");
    return entry.directory;
  }

  Result<Place> FindPlace(std::string_view operation, const std::string& path)
      VIPER_REQUIRES(mutex) {
    VIPER_ASSIGN_OR_RETURN(const std::vector<std::string> steps, Split(path));
    if (steps.empty()) return WrongKind(operation, path, "it is the root");
    MemoryEntry entry{.file = nullptr, .directory = root};
    for (size_t i = 0; i + 1 < steps.size(); ++i) {
      entry = entry.directory->Find(steps[i]);
      if (!entry.exists()) return NotFound(operation, path);
      if (entry.directory == nullptr) return WrongKind(operation, path, "not a directory");
    }
    return Place{.directory = entry.directory, .name = steps.back()};
  }

  // Every change passes here just before it is made. Counts and logs it if it may go on.
  Verdict JudgeChange(FileOperation operation, const std::string& path, std::string text)
      VIPER_REQUIRES(mutex) {
    if (crashed) return {.status = InjectedCrash(path)};
    Verdict verdict = JudgeFaults(operation, path);
    if (!verdict.status.ok()) {
      Log(fmt::format("fault: {}", text));
      return verdict;
    }
    if (changes_left == 0) {
      crashed = true;
      injection_counts.AddCrash();
      Log(fmt::format("crash: {}", text));
      return {.status = InjectedCrash(path), .crashed_now = true};
    }
    if (changes_left) --*changes_left;
    ++operation_count;
    Log(std::move(text));
    return {};
  }

  Status JudgeRead(FileOperation operation, const std::string& path) VIPER_REQUIRES(mutex) {
    if (crashed) return InjectedCrash(path);
    return JudgeFaults(operation, path).status;
  }

  Status CheckAlive(const std::string& path) const VIPER_REQUIRES(mutex) {
    return crashed ? InjectedCrash(path) : Status::Ok();
  }

  Status Write(MemoryFile& file, const std::string& path, uint64_t offset,
               std::span<const std::byte> bytes) VIPER_REQUIRES(mutex) {
    if (offset > kFileBytesMax || bytes.size() > kFileBytesMax - offset) {
      return Status::ResourceExhausted(
          fmt::format("cannot write '{}': file too large: max={}", path, kFileBytesMax));
    }
    const Verdict verdict =
        JudgeChange(FileOperation::kWrite, path,
                    fmt::format("write '{}' offset={} bytes={}", path, offset, bytes.size()));
    if (verdict.status.ok()) {
      file.Write(offset, bytes);
    } else if (verdict.crashed_now) {
      file.RecordInterruptedWrite(offset, bytes);
    } else {
      file.Write(offset, bytes.first(std::min(bytes.size(), verdict.written_bytes)));
    }
    return verdict.status;
  }

  Status Sync(MemoryFile& file, const std::string& path) VIPER_REQUIRES(mutex) {
    const Verdict verdict = JudgeChange(FileOperation::kSync, path, fmt::format("sync '{}'", path));
    if (verdict.status.ok()) {
      file.Sync();
    } else if (!crashed) {
      file.FailSync();
    }
    return verdict.status;
  }

  Status Change(FileOperation operation, const Place& place, MemoryEntry entry,
                const std::string& path, std::string text) VIPER_REQUIRES(mutex) {
    VIPER_RETURN_IF_ERROR(JudgeChange(operation, path, std::move(text)).status);
    place.directory->Set(place.name, std::move(entry), next_change_id++);
    return Status::Ok();
  }

  Status RemoveTree(const Place& place, const std::string& path) VIPER_REQUIRES(mutex) {
    if (const auto directory = place.entry().directory) {
      const MemoryDirectory::Entries entries = directory->entries();
      for (const auto& [name, entry] : entries) {
        VIPER_RETURN_IF_ERROR(
            RemoveTree({.directory = directory, .name = name}, fmt::format("{}/{}", path, name)));
      }
    }
    return Change(FileOperation::kRemove, place, {}, path, fmt::format("remove '{}'", path));
  }

  // True if the path goes through the directory. Both have been found.
  static bool IsBelow(const std::string& directory, const std::string& path) {
    const auto outer = Split(directory).value();
    const auto inner = Split(path).value();
    return outer.size() < inner.size() && std::equal(outer.begin(), outer.end(), inner.begin());
  }

  Mutex mutex;
  std::shared_ptr<MemoryDirectory> root VIPER_GUARDED_BY(mutex) =
      std::make_shared<MemoryDirectory>();
  uint64_t next_change_id VIPER_GUARDED_BY(mutex) = 0;
  uint64_t operation_count VIPER_GUARDED_BY(mutex) = 0;
  std::optional<uint64_t> changes_left VIPER_GUARDED_BY(mutex);
  bool crashed VIPER_GUARDED_BY(mutex) = false;
  std::vector<ActiveFault> faults VIPER_GUARDED_BY(mutex);
  std::deque<std::string> log VIPER_GUARDED_BY(mutex);

 private:
  static Result<std::vector<std::string>> Split(const std::string& path) {
    std::vector<std::string> steps;
    for (size_t start = 0; start < path.size();) {
      const size_t end = std::min(path.find('/', start), path.size());
      std::string step = path.substr(start, end - start);
      if (step == "..") return Status::InvalidArgument(fmt::format("'..' in path '{}'", path));
      if (!step.empty() && step != ".") steps.push_back(std::move(step));
      start = end + 1;
    }
    return steps;
  }

  Verdict JudgeFaults(FileOperation operation, const std::string& path) VIPER_REQUIRES(mutex) {
    for (ActiveFault& active : faults) {
      const InjectedFault& fault = active.fault;
      if (fault.operation != operation || path.find(fault.path_part) == std::string::npos) continue;
      const uint64_t index = active.seen++;
      if (index < fault.skip || index - fault.skip >= fault.times) continue;
      injection_counts.Add(fault);
      return {.status = Status(fault.code, fmt::format("injected fault: path='{}'", path)),
              .written_bytes = fault.written_bytes};
    }
    return {};
  }

  void Log(std::string line) VIPER_REQUIRES(mutex) {
    if (log.size() == kLogLinesMax) log.pop_front();
    log.push_back(std::move(line));
  }
};

// -- Open files
// -------------------------------------------------------------------------------------

class MemoryFileSystem::OpenWritableFile final : public WritableFile {
 public:
  OpenWritableFile(std::shared_ptr<Core> core, std::shared_ptr<MemoryFile> file, std::string path,
                   uint64_t end)
      : core_(std::move(core)), file_(std::move(file)), path_(std::move(path)), end_(end) {}

  Status Append(std::span<const std::byte> bytes) override {
    MutexLock lock(core_->mutex);
    return WriteLocked(end_, bytes);
  }
  Status WriteAt(uint64_t offset, std::span<const std::byte> bytes) override {
    MutexLock lock(core_->mutex);
    return WriteLocked(offset, bytes);
  }
  Status Sync() override {
    MutexLock lock(core_->mutex);
    VIPER_RETURN_IF_ERROR(CheckOpen("sync"));
    if (sync_failed_) {
      return Status::IoError(fmt::format("cannot sync '{}': an earlier sync failed", path_));
    }
    const Status status = core_->Sync(*file_, path_);
    sync_failed_ = !status.ok();
    return status;
  }
  Status Close() override {
    MutexLock lock(core_->mutex);
    VIPER_RETURN_IF_ERROR(CheckOpen("close"));
    closed_ = true;
    return core_->CheckAlive(path_);
  }

 private:
  // Like the operating system's files: the end moves only with whole writes.
  Status WriteLocked(uint64_t offset, std::span<const std::byte> bytes)
      VIPER_REQUIRES(core_->mutex) {
    VIPER_RETURN_IF_ERROR(CheckOpen("write"));
    VIPER_RETURN_IF_ERROR(core_->Write(*file_, path_, offset, bytes));
    end_ = std::max(end_, offset + bytes.size());
    return Status::Ok();
  }
  Status CheckOpen(std::string_view operation) const VIPER_REQUIRES(core_->mutex) {
    if (!closed_) return Status::Ok();
    return Status::FailedPrecondition(
        fmt::format("cannot {} '{}': the file is closed", operation, path_));
  }

  const std::shared_ptr<Core> core_;
  const std::shared_ptr<MemoryFile> file_;
  const std::string path_;
  uint64_t end_ VIPER_GUARDED_BY(core_->mutex);
  bool closed_ VIPER_GUARDED_BY(core_->mutex) = false;
  bool sync_failed_ VIPER_GUARDED_BY(core_->mutex) = false;
};

class MemoryFileSystem::OpenRandomAccessFile final : public RandomAccessFile {
 public:
  OpenRandomAccessFile(std::shared_ptr<Core> core, std::shared_ptr<MemoryFile> file,
                       std::string path, uint64_t size)
      : core_(std::move(core)), file_(std::move(file)), path_(std::move(path)), size_(size) {}

  uint64_t size() const override { return size_; }

  Status ReadAt(uint64_t offset, std::span<std::byte> out) const override {
    MutexLock lock(core_->mutex);
    VIPER_RETURN_IF_ERROR(core_->JudgeRead(FileOperation::kRead, path_));
    const CowBytes& content = file_->content();
    if (offset > content.size() || out.size() > content.size() - offset) {
      return Status::IoError(
          fmt::format("cannot read '{}': unexpected end of file: "
                      "offset={} bytes={} size={}",
                      path_, offset, out.size(), content.size()));
    }
    content.Read(offset, out);
    return Status::Ok();
  }

 private:
  const std::shared_ptr<Core> core_;
  const std::shared_ptr<MemoryFile> file_;
  const std::string path_;
  const uint64_t size_;
};

class MemoryFileSystem::OpenMap final : public MappedFile {
 public:
  explicit OpenMap(std::shared_ptr<const std::vector<std::byte>> bytes)
      : bytes_(std::move(bytes)) {}
  std::span<const std::byte> bytes() const override { return *bytes_; }

 private:
  const std::shared_ptr<const std::vector<std::byte>> bytes_;
};

class MemoryFileSystem::HeldLock final : public FileLock {
 public:
  HeldLock(std::shared_ptr<Core> core, std::shared_ptr<MemoryFile> file)
      : core_(std::move(core)), file_(std::move(file)) {}
  ~HeldLock() override {
    MutexLock lock(core_->mutex);
    file_->locked = false;
  }

 private:
  const std::shared_ptr<Core> core_;
  const std::shared_ptr<MemoryFile> file_;
};

// -- The file system
// --------------------------------------------------------------------------------

MemoryFileSystem::MemoryFileSystem() : core_(std::make_shared<Core>()) {}
MemoryFileSystem::~MemoryFileSystem() = default;

Result<std::unique_ptr<WritableFile>> MemoryFileSystem::CreateFile(const std::string& path) {
  MutexLock lock(core_->mutex);
  VIPER_RETURN_IF_ERROR(core_->CheckAlive(path));
  VIPER_ASSIGN_OR_RETURN(const Core::Place place, core_->FindPlace("create", path));
  if (place.entry().exists()) return AlreadyExists("create", path);
  auto file = std::make_shared<MemoryFile>();
  VIPER_RETURN_IF_ERROR(core_->Change(FileOperation::kCreate, place,
                                      {.file = file, .directory = nullptr}, path,
                                      fmt::format("create '{}'", path)));
  return std::make_unique<OpenWritableFile>(core_, std::move(file), path, 0);
}

Result<std::unique_ptr<WritableFile>> MemoryFileSystem::OpenForWrite(const std::string& path) {
  MutexLock lock(core_->mutex);
  VIPER_RETURN_IF_ERROR(core_->CheckAlive(path));
  VIPER_ASSIGN_OR_RETURN(std::shared_ptr<MemoryFile> file, core_->FindFile("open", path));
  const uint64_t size = file->content().size();
  return std::make_unique<OpenWritableFile>(core_, std::move(file), path, size);
}

Result<std::unique_ptr<RandomAccessFile>> MemoryFileSystem::OpenForRead(const std::string& path) {
  MutexLock lock(core_->mutex);
  VIPER_RETURN_IF_ERROR(core_->CheckAlive(path));
  VIPER_ASSIGN_OR_RETURN(std::shared_ptr<MemoryFile> file, core_->FindFile("open", path));
  const uint64_t size = file->content().size();
  return std::make_unique<OpenRandomAccessFile>(core_, std::move(file), path, size);
}

Result<std::unique_ptr<MappedFile>> MemoryFileSystem::Map(const std::string& path) {
  MutexLock lock(core_->mutex);
  VIPER_RETURN_IF_ERROR(core_->CheckAlive(path));
  VIPER_ASSIGN_OR_RETURN(const std::shared_ptr<MemoryFile> file, core_->FindFile("map", path));
  VIPER_RETURN_IF_ERROR(core_->JudgeRead(FileOperation::kRead, path));
  return std::make_unique<OpenMap>(file->content().Flatten());
}

Result<std::vector<std::string>> MemoryFileSystem::List(const std::string& directory) {
  MutexLock lock(core_->mutex);
  VIPER_RETURN_IF_ERROR(core_->CheckAlive(directory));
  VIPER_ASSIGN_OR_RETURN(const auto found, core_->FindDirectory("list", directory));
  std::vector<std::string> names;
  names.reserve(found->entries().size());
  for (const auto& [name, entry] : found->entries()) names.push_back(name);
  return names;
}

Result<bool> MemoryFileSystem::Exists(const std::string& path) {
  MutexLock lock(core_->mutex);
  VIPER_RETURN_IF_ERROR(core_->CheckAlive(path));
  const Result<MemoryEntry> entry = core_->Find("look at", path);
  if (!entry.ok() && entry.status().code() == StatusCode::kInvalidArgument) return entry.status();
  return entry.ok();
}

Result<uint64_t> MemoryFileSystem::FileSize(const std::string& path) {
  MutexLock lock(core_->mutex);
  VIPER_RETURN_IF_ERROR(core_->CheckAlive(path));
  VIPER_ASSIGN_OR_RETURN(const std::shared_ptr<MemoryFile> file, core_->FindFile("look at", path));
  return file->content().size();
}

Status MemoryFileSystem::CreateDirectories(const std::string& directory) {
  MutexLock lock(core_->mutex);
  VIPER_RETURN_IF_ERROR(core_->CheckAlive(directory));
  for (size_t end = directory.find('/', 1); true; end = directory.find('/', end + 1)) {
    const std::string prefix = directory.substr(0, end);
    const Result<MemoryEntry> entry = core_->Find("create directory", prefix);
    if (!entry.ok()) {
      if (entry.status().code() != StatusCode::kNotFound) return entry.status();
      VIPER_ASSIGN_OR_RETURN(const Core::Place place, core_->FindPlace("create directory", prefix));
      VIPER_RETURN_IF_ERROR(
          core_->Change(FileOperation::kCreateDirectory, place,
                        {.file = nullptr, .directory = std::make_shared<MemoryDirectory>()}, prefix,
                        fmt::format("create directory '{}'", prefix)));
    } else if (entry->directory == nullptr) {
      return WrongKind("create directory", prefix, "not a directory");
    }
    if (end == std::string::npos) return Status::Ok();
  }
}

Status MemoryFileSystem::Link(const std::string& existing, const std::string& name) {
  MutexLock lock(core_->mutex);
  VIPER_RETURN_IF_ERROR(core_->CheckAlive(name));
  VIPER_ASSIGN_OR_RETURN(MemoryEntry entry, core_->Find("link", existing));
  VIPER_ASSIGN_OR_RETURN(const Core::Place place, core_->FindPlace("link", name));
  if (place.entry().exists()) return AlreadyExists("link", name);
  if (entry.directory != nullptr) return WrongKind("link", existing, "it is a directory");
  return core_->Change(FileOperation::kLink, place, std::move(entry), name,
                       fmt::format("link '{}' as '{}'", existing, name));
}

Status MemoryFileSystem::Rename(const std::string& from, const std::string& to) {
  MutexLock lock(core_->mutex);
  VIPER_RETURN_IF_ERROR(core_->CheckAlive(from));
  VIPER_ASSIGN_OR_RETURN(const Core::Place source, core_->FindPlace("rename", from));
  VIPER_ASSIGN_OR_RETURN(const Core::Place target, core_->FindPlace("rename", to));
  const MemoryEntry moved = source.entry();
  const MemoryEntry replaced = target.entry();
  if (!moved.exists()) return NotFound("rename", from);
  if (moved == replaced) return Status::Ok();  // two names of one file stay, says POSIX
  if (moved.directory != nullptr && replaced.exists()) {
    return WrongKind("rename", to, "a directory replaces nothing here");
  }
  if (moved.directory != nullptr && Core::IsBelow(from, to)) {
    return WrongKind("rename", to, "a directory cannot move into itself");
  }
  if (replaced.directory != nullptr) return WrongKind("rename", to, "it is a directory");
  VIPER_RETURN_IF_ERROR(
      core_->JudgeChange(FileOperation::kRename, to, fmt::format("rename '{}' to '{}'", from, to))
          .status);
  const uint64_t change_id = core_->next_change_id++;
  target.directory->Set(target.name, moved, change_id);
  source.directory->Set(source.name, {}, change_id);
  return Status::Ok();
}

Status MemoryFileSystem::RemoveFile(const std::string& path) {
  MutexLock lock(core_->mutex);
  VIPER_RETURN_IF_ERROR(core_->CheckAlive(path));
  VIPER_ASSIGN_OR_RETURN(const Core::Place place, core_->FindPlace("remove", path));
  const MemoryEntry entry = place.entry();
  if (!entry.exists()) return NotFound("remove", path);
  if (entry.directory != nullptr) return WrongKind("remove", path, "it is a directory");
  return core_->Change(FileOperation::kRemove, place, {}, path, fmt::format("remove '{}'", path));
}

Status MemoryFileSystem::RemoveDirectoryTree(const std::string& directory) {
  MutexLock lock(core_->mutex);
  VIPER_RETURN_IF_ERROR(core_->CheckAlive(directory));
  VIPER_ASSIGN_OR_RETURN(const Core::Place place, core_->FindPlace("remove", directory));
  const MemoryEntry entry = place.entry();
  if (!entry.exists()) return NotFound("remove", directory);
  if (entry.directory == nullptr) return WrongKind("remove", directory, "not a directory");
  return core_->RemoveTree(place, directory);
}

Status MemoryFileSystem::SyncDirectory(const std::string& directory) {
  MutexLock lock(core_->mutex);
  VIPER_RETURN_IF_ERROR(core_->CheckAlive(directory));
  VIPER_ASSIGN_OR_RETURN(const auto found, core_->FindDirectory("sync directory", directory));
  VIPER_RETURN_IF_ERROR(core_
                            ->JudgeChange(FileOperation::kSyncDirectory, directory,
                                          fmt::format("sync directory '{}'", directory))
                            .status);
  found->Sync();
  return Status::Ok();
}

Result<std::unique_ptr<FileLock>> MemoryFileSystem::Lock(const std::string& path) {
  MutexLock lock(core_->mutex);
  VIPER_RETURN_IF_ERROR(core_->CheckAlive(path));
  VIPER_ASSIGN_OR_RETURN(const Core::Place place, core_->FindPlace("lock", path));
  MemoryEntry entry = place.entry();
  if (entry.directory != nullptr) return WrongKind("lock", path, "it is a directory");
  if (entry.file == nullptr) {
    entry.file = std::make_shared<MemoryFile>();
    VIPER_RETURN_IF_ERROR(core_->Change(FileOperation::kCreate, place, entry, path,
                                        fmt::format("create lock '{}'", path)));
  }
  if (entry.file->locked) {
    return Status::Busy(fmt::format("cannot lock '{}': somebody else holds it", path));
  }
  entry.file->locked = true;
  return std::make_unique<HeldLock>(core_, entry.file);
}

// -- Injection
// --------------------------------------------------------------------------------------

uint64_t MemoryFileSystem::OperationCount() const {
  MutexLock lock(core_->mutex);
  return core_->operation_count;
}

void MemoryFileSystem::CrashAfter(uint64_t count) {
  MutexLock lock(core_->mutex);
  core_->changes_left = count;
}

bool MemoryFileSystem::crashed() const {
  MutexLock lock(core_->mutex);
  return core_->crashed;
}

void MemoryFileSystem::InjectFault(const InjectedFault& fault) {
  MutexLock lock(core_->mutex);
  core_->faults.push_back({.fault = fault});
}

void MemoryFileSystem::ClearFaults() {
  MutexLock lock(core_->mutex);
  core_->faults.clear();
}

std::unique_ptr<MemoryFileSystem> MemoryFileSystem::DurableImage(CrashMode mode,
                                                                 uint64_t seed) const {
  MutexLock lock(core_->mutex);
  auto image = std::make_unique<MemoryFileSystem>();
  MutexLock image_lock(image->core_->mutex);
  image->core_->root = core_->root->AfterCrash(mode, seed);
  image->core_->next_change_id = core_->next_change_id;
  return image;
}

std::string MemoryFileSystem::OperationLog(size_t line_count_max) const {
  MutexLock lock(core_->mutex);
  const size_t count = std::min(line_count_max, core_->log.size());
  std::string text;
  for (size_t i = core_->log.size() - count; i < core_->log.size(); ++i) {
    text += core_->log[i];
    text += '\n';
  }
  return text;
}

}  // namespace viper
