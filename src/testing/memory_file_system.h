#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "testing/memory_tree.h"
#include "viper/file_system.h"

namespace viper {

/// Kinds of file operations, for fault injection.
enum class FileOperation {
  /// CreateFile, and Lock when it creates its file.
  kCreate,
  /// Append and WriteAt.
  kWrite,
  kSync,
  kLink,
  kRename,
  /// RemoveFile, and each entry that RemoveDirectoryTree removes.
  kRemove,
  /// Each directory that CreateDirectories creates.
  kCreateDirectory,
  kSyncDirectory,
  /// ReadAt and Map. Changes nothing, so crashes do not count it.
  kRead,
};

/// A failure without a crash.
struct InjectedFault {
  FileOperation operation = FileOperation::kWrite;
  /// Let this many operations of the kind pass, then fail this many.
  uint64_t skip = 0;
  uint64_t times = 1;
  /// Only paths that contain this text.
  std::string path_part = {};
  /// kIoError, or kResourceExhausted for a full disk. A failed sync loses the unsynced bytes for
  /// good, as in the kernel: they stay readable and no later sync makes them durable.
  StatusCode code = StatusCode::kIoError;
  /// Of a failing write, this many bytes are written first.
  size_t written_bytes = 0;
};

/// A file system in memory, which knows at every moment what a power loss would leave, and which
/// can be made to crash or to fail at any operation. Files hold at most 1 GiB. Thread-safe.
///
/// Stricter than real ones, as POSIX is: a file's data are durable only after Sync of the file, its
/// name only after SyncDirectory of the directory, a new directory only after SyncDirectory of its
/// parent. Relative paths start at the root; "." and empty steps are skipped, ".." is refused.
class MemoryFileSystem final : public FileSystem {
 public:
  MemoryFileSystem();
  ~MemoryFileSystem() override;

  Result<std::unique_ptr<WritableFile>> CreateFile(const std::string& path) override;
  Result<std::unique_ptr<WritableFile>> OpenForWrite(const std::string& path) override;
  Result<std::unique_ptr<RandomAccessFile>> OpenForRead(const std::string& path) override;
  /// Shows the file as it is now; later writes do not appear in the map.
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

  /// How many operations have changed something so far (every kind of FileOperation but kRead, when
  /// it succeeded).
  uint64_t OperationCount() const;
  /// Let `count` more such operations succeed. The next one, and every operation after it of any
  /// kind, fails with IoError "injected crash": the process is dead. `CrashAfter(n)` for each n
  /// below the OperationCount of a run without crash is every place where that run can be cut.
  void CrashAfter(uint64_t count);
  bool crashed() const;
  void InjectFault(const InjectedFault& fault);
  void ClearFaults();

  /// What the machine would find after a crash at this moment, as a new file system without locks,
  /// faults and crashes. Cheap: contents are shared. `seed` chooses among the outcomes of
  /// kRandomSubset. This file system goes on unchanged.
  std::unique_ptr<MemoryFileSystem> DurableImage(CrashMode mode, uint64_t seed = 0) const;

  /// The last operations that changed something or were made to fail, oldest first, a line each.
  std::string OperationLog(size_t line_count_max = 50) const;

 private:
  class Core;
  class OpenWritableFile;
  class OpenRandomAccessFile;
  class OpenMap;
  class HeldLock;

  const std::shared_ptr<Core> core_;  // shared with open files, which may live longer
};

}  // namespace viper
