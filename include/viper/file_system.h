#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "viper/export.h"
#include "viper/result.h"

namespace viper {

/// A file opened for appending, or for writing at given places inside what was preallocated.
/// Nothing is durable before Sync returns OK. After a failed Sync the file must not be trusted: the
/// kernel may have dropped the unwritten pages, so callers never retry a Sync.
class VIPER_EXPORT WritableFile {
 public:
  virtual ~WritableFile() = default;
  /// Write `bytes` at the end.
  virtual Status Append(std::span<const std::byte> bytes) = 0;
  /// Write `bytes` at `offset`; extends the file where needed.
  virtual Status WriteAt(uint64_t offset, std::span<const std::byte> bytes) = 0;
  /// Make the content (and the size) durable.
  virtual Status Sync() = 0;
  /// Begin to bring to disk what was appended since the last call, without waiting for it, so that
  /// a later Sync has less to wait for. A hint: it promises nothing and cannot fail.
  virtual void StartSync() {}
  /// Close without syncing. Further calls fail. The destructor closes too, ignoring errors.
  virtual Status Close() = 0;
};

/// A file that can be read at any place. Safe to use from many threads.
class VIPER_EXPORT RandomAccessFile {
 public:
  virtual ~RandomAccessFile() = default;
  virtual uint64_t size() const = 0;
  /// Read exactly `out.size()` bytes at `offset`; less (end of file) is IoError.
  virtual Status ReadAt(uint64_t offset, std::span<std::byte> out) const = 0;
};

/// A read-only memory map of a whole file, valid until destroyed, also after the file is unlinked.
class VIPER_EXPORT MappedFile {
 public:
  virtual ~MappedFile() = default;
  virtual std::span<const std::byte> bytes() const = 0;
};

/// The right to be the only writer of a directory; given back when destroyed or when the process
/// dies.
class VIPER_EXPORT FileLock {
 public:
  virtual ~FileLock() = default;
};

/// Every file operation of the engine goes through this interface, so that tests can stop the world
/// after any of them. Paths use '/'. Implementations must be safe to call from many threads.
/// Errors: NotFound (no such file), AlreadyExists, Busy (lock), ResourceExhausted (no space,
/// quota), IoError (everything else); the message names the operation, the path and the system's
/// reason.
class VIPER_EXPORT FileSystem {
 public:
  virtual ~FileSystem() = default;

  /// Create a new file; AlreadyExists if there is one.
  virtual Result<std::unique_ptr<WritableFile>> CreateFile(const std::string& path) = 0;
  /// Open an existing file for WriteAt (and Append at its end), keeping its content.
  virtual Result<std::unique_ptr<WritableFile>> OpenForWrite(const std::string& path) = 0;
  virtual Result<std::unique_ptr<RandomAccessFile>> OpenForRead(const std::string& path) = 0;
  virtual Result<std::unique_ptr<MappedFile>> Map(const std::string& path) = 0;

  /// Names (not paths) of the entries of a directory, sorted.
  virtual Result<std::vector<std::string>> List(const std::string& directory) = 0;
  virtual Result<bool> Exists(const std::string& path) = 0;
  virtual Result<uint64_t> FileSize(const std::string& path) = 0;
  /// Create a directory and its parents; fine if it exists. Durable only after the parents are
  /// synced.
  virtual Status CreateDirectories(const std::string& directory) = 0;
  /// Give the file a second name. Atomic; AlreadyExists if the name is taken (put-if-absent).
  /// Where the file system knows no second names, the file is moved: do not rely on `existing`
  /// after.
  virtual Status Link(const std::string& existing, const std::string& name) = 0;
  /// Rename within one file system, replacing the target. Atomic.
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  virtual Status RemoveFile(const std::string& path) = 0;
  /// Remove a directory and all that is in it. NotFound if it does not exist.
  virtual Status RemoveDirectoryTree(const std::string& directory) = 0;
  /// Make created, linked, renamed and removed entries of a directory durable.
  virtual Status SyncDirectory(const std::string& directory) = 0;
  /// Take the exclusive lock on a file (created if absent), without waiting; Busy if somebody has
  /// it.
  virtual Result<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;

  /// The operating system's files. Lives for ever.
  static FileSystem& Local();
};

}  // namespace viper
