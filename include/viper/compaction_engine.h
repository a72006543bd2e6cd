#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "viper/export.h"
#include "viper/result.h"
#include "viper/service.h"

namespace viper {

/// What a task of a CompactionEngine does to a collection. None changes what searches and reads
/// answer, but for the approximate part of a search by another model.
enum class CompactionTaskType : uint8_t {
  /// Small files become large ones; dead rows are left out.
  kMergeFiles = 0,
  /// A new model is trained for the index, and rows are written in the order of its clusters.
  kRecluster = 1,
  /// Files are written anew so that every declared field has its column in each.
  kReorganizeFeatures = 2,
  /// Files are written anew with codecs and encodings tried again, under the engine's options.
  kRecompress = 3,
};

/// Return "merge_files", "recluster", "reorganize_features" or "recompress".
VIPER_EXPORT std::string_view CompactionTaskTypeName(CompactionTaskType type);
VIPER_EXPORT Result<CompactionTaskType> ParseCompactionTaskType(std::string_view name);

/// Of tasks that wait the one of the highest priority is next. Among these a caller's go before
/// those of the schedule, of which that with the highest gain for each byte copied is first
/// (without models: with the most small files); then the oldest.
enum class TaskPriority : uint8_t { kLow = 0, kNormal = 1, kHigh = 2, kCritical = 3 };
/// Return "low", "normal", "high" or "critical".
VIPER_EXPORT std::string_view TaskPriorityName(TaskPriority priority);
VIPER_EXPORT Result<TaskPriority> ParseTaskPriority(std::string_view name);

enum class TaskState : uint8_t {
  kQueued = 0,
  kRunning = 1,
  kDone = 2,
  kFailed = 3,
  kCancelled = 4
};
/// Return "queued", "running", "done", "failed" or "cancelled".
VIPER_EXPORT std::string_view TaskStateName(TaskState state);

struct CompactionRequest {
  std::string collection = {};
  CompactionTaskType type = CompactionTaskType::kMergeFiles;
  TaskPriority priority = TaskPriority::kNormal;
};

/// What a task was expected to do, or did. Of the collection's Parquet files.
struct CompactionEffect {
  uint64_t files_before = 0;
  uint64_t files_after = 0;
  uint64_t bytes_before = 0;
  uint64_t bytes_after = 0;
  /// Absent where nothing has been measured to predict it by.
  std::optional<double> seconds;
};

struct CompactionTaskStatus {
  uint64_t id = 0;
  CompactionRequest request;
  TaskState state = TaskState::kQueued;
  /// Share done, 0 to 1.
  double progress = 0;
  /// How often it was begun.
  uint32_t attempts = 0;
  /// What the last attempt failed with.
  std::optional<std::string> error;
  /// Why the schedule asked for it; empty if a caller did.
  std::string reason;
  /// As expected when the schedule asked for it: bytes given back for each byte copied, taking a
  /// file that is gone for 64 KiB, and the time that searches lost on dead rows for what could have
  /// been copied in it. Absent if a caller asked, and without models.
  std::optional<double> gain_per_byte;
  /// Made when the task began; what came of it, once it is done.
  std::optional<CompactionEffect> prediction;
  std::optional<CompactionEffect> outcome;
};

/// Works off tasks on the collections of an engine. Thread-safe. Threads are named "viper-worker-N"
/// and "viper-schedule"; without workers there is no schedule either. An engine that is open for
/// reading only has tasks that fail.
class VIPER_EXPORT CompactionEngine {
 public:
  class Impl;
  explicit CompactionEngine(std::unique_ptr<Impl> impl);
  ~CompactionEngine();

  /// Queue a task and return its id. A task that waits already for the same collection and type is
  /// not queued twice: its id is returned, and its priority raised if this one is higher. NotFound:
  /// no such collection; ResourceExhausted: 10,000 tasks wait.
  Result<uint64_t> Submit(const CompactionRequest& request);
  /// Look over all collections, queue what pays, and return the ids of what was queued. The
  /// schedule does so every PipelineCompactionConfig::interval_ms.
  Result<std::vector<uint64_t>> Schedule();
  /// Run the next task that no other thread is in the way of, on this one; false if there is none.
  bool RunNext();
  /// Wait until a task has ended; its status. NotFound; DeadlineExceeded after `timeout_ms`.
  Result<CompactionTaskStatus> Wait(uint64_t id, uint64_t timeout_ms);
  /// Take a waiting task out of the queue, or ask a running one to stop. What it committed stays.
  /// NotFound; FailedPrecondition if it has ended.
  Status Cancel(uint64_t id);
  Result<CompactionTaskStatus> TaskStatus(uint64_t id) const;
  /// The tasks that wait and run, and the newest 1,000 that have ended; by id.
  std::vector<CompactionTaskStatus> Tasks() const;

  /// Start the workers and the schedule; nothing if they run.
  void Start();
  /// Let the running tasks end early, join all threads. Tasks that were running wait again.
  void Stop();
  bool is_running() const;
  /// Of the schedule, then of each worker: a run is a task.
  std::vector<ServiceHealth> Health() const;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace viper
