#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "viper/clock.h"
#include "viper/export.h"
#include "viper/file_system.h"
#include "viper/result.h"
#include "viper/value.h"

namespace viper {

struct VIPER_EXPORT StagingConfig {
  /// Operations that are neither committed nor aborted after this long are given up. 1 ms or more.
  uint64_t max_age_ms = uint64_t{24} * 3600 * 1000;
  /// How often the background looks for them (Utilities::StartServices). 1 ms or more.
  uint64_t cleanup_interval_ms = 3'600'000;

  /// OK, or InvalidArgument naming the member that is wrong and its value.
  Status Validate() const;
};

/// How far a staged operation is.
enum class StagingState : uint8_t {
  /// It has a directory, and no file.
  kPreparing = 0,
  kWriting = 1,
  /// Its files are durable, under the target's name.
  kCommitted = 2,
  kAborted = 3,
  /// It could not be committed, or was given up for its age.
  kFailed = 4,
};

/// Return "preparing", "writing", "committed", "aborted" or "failed".
VIPER_EXPORT std::string_view StagingStateName(StagingState state);

/// What there is to know about a staged operation.
struct StagedOperationReport {
  /// Unique for ever: "staged-" and a UUID.
  std::string id = {};
  /// As its beginner calls it: "flush", "compaction", "migration", ...
  std::string kind = {};
  StagingState state = StagingState::kPreparing;
  Timestamp begun_at = {};
  /// Where the files are written, and where they will be.
  std::string directory = {};
  std::string target = {};
  uint64_t files = 0;
  std::optional<std::string> error = {};
};

class StagingOperationsCoordinator;

/// A directory of files that appears under its target's name as a whole, or not at all. Aborted
/// when destroyed before it is committed. The coordinator must outlive it. Used by one thread at a
/// time.
class VIPER_EXPORT StagedOperation {
 public:
  class Impl;
  explicit StagedOperation(std::unique_ptr<Impl> impl);
  ~StagedOperation();

  const std::string& id() const;
  /// Of the files in the making.
  const std::string& directory() const;
  /// Create a file to be written. InvalidArgument: a name that is empty, "." or "..", or has a
  /// slash. FailedPrecondition if the operation is over.
  Result<std::unique_ptr<WritableFile>> CreateFile(const std::string& name);
  /// Make all files durable and give the directory its target's name, by one rename, and make that
  /// durable: when this returns OK both have happened. The files must be closed. AlreadyExists if
  /// the target exists; then, and after any other failure, the files are removed and the operation
  /// has failed. Where not even that succeeds, the message says that the target is there. Files are
  /// never copied: a target on another file system is an IoError.
  Status Commit();
  /// Remove the files.
  Status Abort();
  StagingState state() const;

 private:
  std::unique_ptr<Impl> impl_;
};

/// Staged writes below one directory, which belongs to one process at a time. Operations that a
/// crash left there are removed when it is made: what was committed is elsewhere. Entries whose
/// names are not those of operations are somebody else's, and are left alone. Thread-safe.
class VIPER_EXPORT StagingOperationsCoordinator {
 public:
  struct Options {
    StagingConfig config = {};
    /// On the file system of the targets.
    std::string directory = {};
    /// Not owned; null = FileSystem::Local() and Clock::System().
    FileSystem* file_system = nullptr;
    const Clock* clock = nullptr;
  };
  /// InvalidArgument; Busy if another process has the directory; IoError if leftovers cannot be
  /// removed.
  static Result<std::unique_ptr<StagingOperationsCoordinator>> Make(Options options);
  ~StagingOperationsCoordinator();
  StagingOperationsCoordinator(const StagingOperationsCoordinator&) = delete;
  StagingOperationsCoordinator& operator=(const StagingOperationsCoordinator&) = delete;

  /// Begin to write what is to be at `target`, a path whose parent exists. InvalidArgument: an
  /// empty kind or target, or a target inside the staging directory (by its name, however written:
  /// links are not followed).
  Result<std::unique_ptr<StagedOperation>> Begin(std::string kind, std::string target);
  /// Give up operations older than StagingConfig::max_age_ms, and remove their files. Returns how
  /// many.
  Result<uint64_t> RemoveOld();
  /// Those under way, and the last 1,000 that are over; the oldest first.
  std::vector<StagedOperationReport> Operations() const;
  /// Directories that a crash had left, removed by Make.
  uint64_t removed_leftovers() const;

  class Impl;

 private:
  explicit StagingOperationsCoordinator(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace viper
