#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "platform/mutex.h"
#include "viper/pipeline.h"

namespace viper::pipeline {

/// Why a task is asked for.
struct TaskReason {
  /// Empty if a caller asks.
  std::string text = {};
  std::optional<double> gain_per_byte = {};
  /// Of tasks of one priority those with the higher rank go first; a caller's go before all.
  std::optional<double> rank = {};
};

/// How tasks have ended, and how often one was tried again.
struct TaskCounts {
  uint64_t queued = 0;
  uint64_t done = 0;
  uint64_t failed = 0;
  uint64_t cancelled = 0;
  uint64_t retries = 0;
};

/// The tasks of a CompactionEngine and what became of them. A collection has one task that runs at
/// most. Thread-safe.
class TaskQueue {
 public:
  explicit TaskQueue(uint32_t retries) : retries_(retries) {}

  struct Added {
    uint64_t id = 0;
    bool is_new = false;
  };
  /// Queue a task, or find the one that waits for the same. ResourceExhausted. Nothing is done if
  /// the collection's tasks have taken other `turns` since whoever asks has looked at it.
  Result<Added> Add(const CompactionRequest& request, const TaskReason& reason,
                    std::optional<uint64_t> turns = {}) VIPER_EXCLUDES(mutex_);
  /// How often a task of the collection began or ended.
  uint64_t TurnsOf(const std::string& collection) const VIPER_EXCLUDES(mutex_);

  struct Taken {
    uint64_t id = 0;
    CompactionRequest request;
    /// The schedule asked for it, not a caller.
    bool is_scheduled = false;
  };
  /// Begin the next task that may; absent if there is none.
  std::optional<Taken> Take() VIPER_EXCLUDES(mutex_);
  /// The same, waiting for one; absent when Close was called.
  std::optional<Taken> WaitAndTake() VIPER_EXCLUDES(mutex_);
  /// Let those who wait for a task go, and running tasks end, until Open.
  void Close() VIPER_EXCLUDES(mutex_);
  void Open() VIPER_EXCLUDES(mutex_);

  /// Whether a running task is to go on; `share` done, which never falls.
  bool Advance(uint64_t id, double share) VIPER_EXCLUDES(mutex_);
  void SetPrediction(uint64_t id, const CompactionEffect& effect) VIPER_EXCLUDES(mutex_);
  /// What came of a running task: done, or failed, or to be tried again, or, if it ended because it
  /// was to, cancelled or waiting again.
  void End(uint64_t id, const Result<CompactionEffect>& outcome) VIPER_EXCLUDES(mutex_);

  /// See CompactionEngine.
  Status Cancel(uint64_t id) VIPER_EXCLUDES(mutex_);
  Result<CompactionTaskStatus> Find(uint64_t id) const VIPER_EXCLUDES(mutex_);
  Result<CompactionTaskStatus> Wait(uint64_t id, uint64_t timeout_ms) const VIPER_EXCLUDES(mutex_);
  std::vector<CompactionTaskStatus> All() const VIPER_EXCLUDES(mutex_);
  /// Whether a task of this collection runs.
  bool IsRunning(const std::string& collection) const VIPER_EXCLUDES(mutex_);
  TaskCounts Counts() const VIPER_EXCLUDES(mutex_);

 private:
  struct Task {
    CompactionTaskStatus status;
    std::optional<double> rank;
    bool is_to_stop = false;
    /// Workers leave it alone until then: what it failed by may pass.
    std::chrono::steady_clock::time_point not_before = {};
  };
  /// Of those that wait no longer than `now` asks for.
  std::optional<Taken> TakeLocked(std::chrono::steady_clock::time_point now) VIPER_REQUIRES(mutex_);
  /// When the next one that is put off comes up; absent if none is.
  std::optional<std::chrono::steady_clock::time_point> NextRetry(
      std::chrono::steady_clock::time_point now) const VIPER_REQUIRES(mutex_);
  void Finish(Task& task, TaskState state) VIPER_REQUIRES(mutex_);

  const uint32_t retries_;
  mutable Mutex mutex_;
  mutable ConditionVariable changed_;
  /// By id.
  std::map<uint64_t, Task> tasks_ VIPER_GUARDED_BY(mutex_);
  /// Collections of running tasks.
  std::set<std::string> busy_ VIPER_GUARDED_BY(mutex_);
  std::map<std::string, uint64_t> turns_ VIPER_GUARDED_BY(mutex_);
  /// Ids of tasks that have ended, the first to end first.
  std::vector<uint64_t> ended_ VIPER_GUARDED_BY(mutex_);
  uint64_t next_id_ VIPER_GUARDED_BY(mutex_) = 1;
  size_t waiting_ VIPER_GUARDED_BY(mutex_) = 0;
  bool is_closed_ VIPER_GUARDED_BY(mutex_) = false;
  TaskCounts counts_ VIPER_GUARDED_BY(mutex_);
};

}  // namespace viper::pipeline
