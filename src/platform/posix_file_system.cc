#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <limits>
#include <system_error>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__linux__)
#include <linux/fs.h>
#include <sys/syscall.h>
#endif

#include "base/status_macros.h"
#include "platform/owner_process.h"
#include "platform/posix_error.h"
#include "viper/file_system.h"

namespace viper {
namespace {

constexpr mode_t kFileMode = 0644;
constexpr mode_t kDirectoryMode = 0755;
// Linux moves at most about 2 GiB in one call; less keeps each call interruptible.
constexpr size_t kTransferBytesMax = size_t{1} << 30;

// Repeats a system call that a signal interrupted.
template <typename Call>
auto RetryInterrupted(Call&& call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

// An open file, closed when destroyed.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (is_open()) ::close(number_);
  }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;

  int number() const { return number_; }
  bool is_open() const { return number_ >= 0; }

  /// Returns the error, or 0. The descriptor is closed in either case, as on Linux.
  int Close() {
    const int result = ::close(std::exchange(number_, -1));
    return result == 0 || errno == EINTR ? 0 : errno;
  }

 private:
  int number_;
};

Result<Descriptor> Open(const std::string& path, int flags, std::string_view operation) {
  const int number =
      RetryInterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, kFileMode); });
  if (number < 0) return PosixError(operation, path, errno);
  return Descriptor(number);
}

// The size of an open regular file; anything else has none.
Result<uint64_t> SizeOf(const Descriptor& file, const std::string& path) {
  struct stat state{};
  if (::fstat(file.number(), &state) != 0) return PosixError("look at", path, errno);
  if (!S_ISREG(state.st_mode)) {
    return Status::IoError(fmt::format("cannot open '{}': not a regular file", path));
  }
  return static_cast<uint64_t>(state.st_size);
}

bool FitsOffset(uint64_t offset, size_t size) {
  constexpr auto kEndMax = static_cast<uint64_t>(std::numeric_limits<off_t>::max());
  return offset <= kEndMax && size <= kEndMax - offset;
}

class PosixWritableFile final : public WritableFile {
 public:
  PosixWritableFile(Descriptor file, std::string path, uint64_t size)
      : file_(std::move(file)), path_(std::move(path)), end_(size) {}

  Status Append(std::span<const std::byte> bytes) override { return WriteAt(end_, bytes); }

  Status WriteAt(uint64_t offset, std::span<const std::byte> bytes) override {
    VIPER_RETURN_IF_ERROR(CheckOpen("write"));
    if (!FitsOffset(offset, bytes.size())) return PosixError("write", path_, EFBIG);
    for (uint64_t position = offset; !bytes.empty();) {
      const size_t wanted = std::min(bytes.size(), kTransferBytesMax);
      const ssize_t written = RetryInterrupted([&] {
        return ::pwrite(file_.number(), bytes.data(), wanted, static_cast<off_t>(position));
      });
      if (written < 0) return PosixError("write", path_, errno);
      position += static_cast<uint64_t>(written);
      bytes = bytes.subspan(static_cast<size_t>(written));
      // The end moves only with whole writes: an append after a failed one starts where that did.
      if (bytes.empty()) end_ = std::max(end_, position);
    }
    return Status::Ok();
  }

  Status Sync() override {
    VIPER_RETURN_IF_ERROR(CheckOpen("sync"));
    if (sync_failed_.load(std::memory_order_acquire)) {
      return Status::IoError(fmt::format("cannot sync '{}': an earlier sync failed", path_));
    }
    if (RetryInterrupted([this] { return SyncDescriptor(); }) == 0) return Status::Ok();
    const int error = errno;
    sync_failed_.store(true, std::memory_order_release);
    return PosixError("sync", path_, error);
  }

  void StartSync() override {
#if defined(__linux__)
    if (!file_.is_open() || end_ <= sync_started_) return;
    // What fails here fails in Sync as well.
    (void)::sync_file_range(file_.number(), static_cast<off_t>(sync_started_),
                            static_cast<off_t>(end_ - sync_started_), SYNC_FILE_RANGE_WRITE);
    sync_started_ = end_;
#endif
  }

  Status Close() override {
    VIPER_RETURN_IF_ERROR(CheckOpen("close"));
    const int error = file_.Close();
    return error == 0 ? Status::Ok() : PosixError("close", path_, error);
  }

 private:
  Status CheckOpen(std::string_view operation) const {
    if (file_.is_open()) return Status::Ok();
    return Status::FailedPrecondition(
        fmt::format("cannot {} '{}': the file is closed", operation, path_));
  }

  int SyncDescriptor() const {
#if defined(__APPLE__)
    return ::fcntl(file_.number(), F_FULLFSYNC);  // fsync stops at the disk's own cache there
#else
    return ::fdatasync(file_.number());  // writes the size too, when that changed
#endif
  }

  Descriptor file_;
  const std::string path_;
  uint64_t end_;
  uint64_t sync_started_ = 0;
  // The kernel reports a failed write-back once; a second sync would lie.
  std::atomic<bool> sync_failed_{false};
};

class PosixRandomAccessFile final : public RandomAccessFile {
 public:
  PosixRandomAccessFile(Descriptor file, std::string path, uint64_t size)
      : file_(std::move(file)), path_(std::move(path)), size_(size) {}

  uint64_t size() const override { return size_; }

  Status ReadAt(uint64_t offset, std::span<std::byte> out) const override {
    if (!FitsOffset(offset, out.size())) return PosixError("read", path_, EOVERFLOW);
    uint64_t position = offset;
    while (!out.empty()) {
      const size_t wanted = std::min(out.size(), kTransferBytesMax);
      const ssize_t count = RetryInterrupted([&] {
        return ::pread(file_.number(), out.data(), wanted, static_cast<off_t>(position));
      });
      if (count < 0) return PosixError("read", path_, errno);
      if (count == 0) {
        return Status::IoError(
            fmt::format("cannot read '{}': unexpected end of file: "
                        "offset={} missing_bytes={} size={}",
                        path_, position, out.size(), size_));
      }
      position += static_cast<uint64_t>(count);
      out = out.subspan(static_cast<size_t>(count));
    }
    return Status::Ok();
  }

 private:
  const Descriptor file_;
  const std::string path_;
  const uint64_t size_;
};

class PosixMappedFile final : public MappedFile {
 public:
  explicit PosixMappedFile(std::span<const std::byte> bytes) : bytes_(bytes) {}
  ~PosixMappedFile() override {
    if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  }
  PosixMappedFile(const PosixMappedFile&) = delete;
  PosixMappedFile& operator=(const PosixMappedFile&) = delete;

  std::span<const std::byte> bytes() const override { return bytes_; }

 private:
  const std::span<const std::byte> bytes_;
};

class PosixFileLock final : public FileLock {
 public:
  explicit PosixFileLock(Descriptor file) : file_(std::move(file)) {}
  // A fork has the open file too, so closing it is not enough; nor may the fork give up the lock.
  ~PosixFileLock() override {
    if (owner_.IsThis()) ::flock(file_.number(), LOCK_UN);
  }

 private:
  const OwnerProcess owner_;
  const Descriptor file_;  // the lock belongs to the open file and goes with it
};

// True if `path` still names the file that is open: whoever locked it may have removed it before we
// got the lock, which then guards nothing.
bool StillNamed(const Descriptor& file, const std::string& path) {
  struct stat open_state{};
  struct stat named_state{};
  return ::fstat(file.number(), &open_state) == 0 && ::stat(path.c_str(), &named_state) == 0 &&
         open_state.st_dev == named_state.st_dev && open_state.st_ino == named_state.st_ino;
}

// Renames unless the target exists; the way of file systems without hard links.
int RenameWithoutReplacing(const std::string& from, const std::string& to) {
#if defined(__linux__)
  return static_cast<int>(
      ::syscall(SYS_renameat2, AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE));
#elif defined(__APPLE__)
  return ::renamex_np(from.c_str(), to.c_str(), RENAME_EXCL);
#else
  static_cast<void>(from);
  static_cast<void>(to);
  errno = ENOTSUP;
  return -1;
#endif
}

bool IsDirectory(const std::string& path) {
  struct stat state{};
  return ::stat(path.c_str(), &state) == 0 && S_ISDIR(state.st_mode);
}

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<WritableFile>> CreateFile(const std::string& path) override {
    VIPER_ASSIGN_OR_RETURN(Descriptor file, Open(path, O_WRONLY | O_CREAT | O_EXCL, "create"));
    return std::make_unique<PosixWritableFile>(std::move(file), path, 0);
  }

  Result<std::unique_ptr<WritableFile>> OpenForWrite(const std::string& path) override {
    VIPER_ASSIGN_OR_RETURN(Descriptor file, Open(path, O_WRONLY, "open"));
    VIPER_ASSIGN_OR_RETURN(const uint64_t size, SizeOf(file, path));
    return std::make_unique<PosixWritableFile>(std::move(file), path, size);
  }

  Result<std::unique_ptr<RandomAccessFile>> OpenForRead(const std::string& path) override {
    VIPER_ASSIGN_OR_RETURN(Descriptor file, Open(path, O_RDONLY, "open"));
    VIPER_ASSIGN_OR_RETURN(const uint64_t size, SizeOf(file, path));
    return std::make_unique<PosixRandomAccessFile>(std::move(file), path, size);
  }

  Result<std::unique_ptr<MappedFile>> Map(const std::string& path) override {
    VIPER_ASSIGN_OR_RETURN(const Descriptor file, Open(path, O_RDONLY, "open"));
    VIPER_ASSIGN_OR_RETURN(const uint64_t size, SizeOf(file, path));
    if (size == 0) return std::make_unique<PosixMappedFile>(std::span<const std::byte>());
    if (size > std::numeric_limits<size_t>::max()) return PosixError("map", path, EFBIG);
    void* address =
        ::mmap(nullptr, static_cast<size_t>(size), PROT_READ, MAP_SHARED, file.number(), 0);
    if (address == MAP_FAILED) return PosixError("map", path, errno);
    return std::make_unique<PosixMappedFile>(
        std::span(static_cast<const std::byte*>(address), static_cast<size_t>(size)));
  }

  Result<std::vector<std::string>> List(const std::string& directory) override {
    const auto close = [](DIR* stream) { ::closedir(stream); };
    const std::unique_ptr<DIR, decltype(close)> stream(::opendir(directory.c_str()), close);
    if (stream == nullptr) return PosixError("list", directory, errno);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(stream.get())) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
      errno = 0;  // the end is told from an error by this alone
    }
    if (errno != 0) return PosixError("list", directory, errno);
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<bool> Exists(const std::string& path) override {
    struct stat state{};
    if (::stat(path.c_str(), &state) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return PosixError("look at", path, errno);
  }

  Result<uint64_t> FileSize(const std::string& path) override {
    struct stat state{};
    if (::stat(path.c_str(), &state) != 0) return PosixError("look at", path, errno);
    if (!S_ISREG(state.st_mode)) {
      return Status::IoError(fmt::format("'{}' has no size: not a regular file", path));
    }
    return static_cast<uint64_t>(state.st_size);
  }

  Status CreateDirectories(const std::string& directory) override {
    if (directory.empty()) return PosixError("create directory", directory, ENOENT);
    for (size_t end = directory.find('/', 1); true; end = directory.find('/', end + 1)) {
      const std::string prefix = directory.substr(0, end);
      // A parent that is there may forbid mkdir with another error than EEXIST (EACCES, EROFS).
      if (::mkdir(prefix.c_str(), kDirectoryMode) != 0) {
        const int error = errno;
        if (!IsDirectory(prefix)) return CannotCreateDirectory(prefix, error);
      }
      if (end == std::string::npos) return Status::Ok();
    }
  }

  Status Link(const std::string& existing, const std::string& name) override {
    if (::link(existing.c_str(), name.c_str()) == 0) return Status::Ok();
    const int error = errno;
    const bool unsupported =
        error == EPERM || error == EOPNOTSUPP || error == ENOSYS || error == EMLINK;
    // A directory cannot be linked anywhere, and must not be moved instead.
    if (unsupported && !IsDirectory(existing)) {
      if (RenameWithoutReplacing(existing, name) == 0) return Status::Ok();
      return PosixError(fmt::format("link (by renaming) '{}' as", existing), name, errno);
    }
    return PosixError(fmt::format("link '{}' as", existing), name, error);
  }

  Status Rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) == 0) return Status::Ok();
    return PosixError(fmt::format("rename '{}' to", from), to, errno);
  }

  Status RemoveFile(const std::string& path) override {
    if (::unlink(path.c_str()) == 0) return Status::Ok();
    return PosixError("remove", path, errno);
  }

  Status RemoveDirectoryTree(const std::string& directory) override {
    struct stat state{};
    if (::lstat(directory.c_str(), &state) != 0) return PosixError("remove", directory, errno);
    if (!S_ISDIR(state.st_mode)) return PosixError("remove directory", directory, ENOTDIR);
    std::error_code error;
    std::filesystem::remove_all(directory, error);
    if (error) return PosixError("remove directory", directory, error.value());
    return Status::Ok();
  }

  Status SyncDirectory(const std::string& directory) override {
    VIPER_ASSIGN_OR_RETURN(const Descriptor file,
                           Open(directory, O_RDONLY | O_DIRECTORY, "open directory"));
    const int result = RetryInterrupted([&] { return ::fsync(file.number()); });
    // EINVAL: this file system has nothing to sync for a directory (some network and FUSE ones).
    if (result == 0 || errno == EINVAL) return Status::Ok();
    return PosixError("sync directory", directory, errno);
  }

  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    constexpr int kAttemptsMax = 100;
    for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
      VIPER_ASSIGN_OR_RETURN(Descriptor file, Open(path, O_RDWR | O_CREAT, "open lock file"));
      if (RetryInterrupted([&] { return ::flock(file.number(), LOCK_EX | LOCK_NB); }) != 0) {
        if (errno != EWOULDBLOCK) return PosixError("lock", path, errno);
        return Status::Busy(fmt::format("cannot lock '{}': somebody else holds it", path));
      }
      if (StillNamed(file, path)) return std::make_unique<PosixFileLock>(std::move(file));
    }
    return Status::Busy(fmt::format("cannot lock '{}': it is removed again and again", path));
  }

 private:
  static Status CannotCreateDirectory(const std::string& path, int error) {
    // AlreadyExists would say that all is well; something that is no directory is in the way.
    return PosixError("create directory", path, error == EEXIST ? ENOTDIR : error);
  }
};

}  // namespace

FileSystem& FileSystem::Local() {
  static PosixFileSystem file_system;
  return file_system;
}

}  // namespace viper
