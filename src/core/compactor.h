#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/collection_context.h"
#include "core/collection_state.h"
#include "core/compaction_cost.h"
#include "core/compaction_plan.h"
#include "core/flusher.h"
#include "core/index_builder.h"
#include "core/part_builder.h"
#include "platform/mutex.h"
#include "viper/maintenance.h"

namespace viper::core {

/// Writes files of the table anew where that pays (compaction_plan.h): many small ones become a
/// large one, and rows that the table knows to be dead, or that have expired, are left out. Readers
/// keep what they have, writers and flushes go on; only the commit at the end waits for a flush. A
/// crash before the commit leaves files that nobody refers to. Thread-safe; one run at a time, by
/// several workers (EngineOptions::compaction_threads), no two of which touch the same file.
class Compactor {
 public:
  /// None is owned; all must outlive it.
  Compactor(const CollectionContext& context, CollectionState& state, Flusher& flusher,
            IndexBuilder& index_builder, Mutex& apply_mutex)
      : context_(context),
        state_(state),
        flusher_(flusher),
        index_builder_(index_builder),
        apply_mutex_(apply_mutex) {}

  /// Do what the options ask. Steps that a flush overtakes are planned anew.
  Result<CompactionReport> Run(const CompactOptions& options) VIPER_EXCLUDES(turn_mutex_);
  /// Do what pays, until nothing does or `goes_on` says no: then Cancelled. What fails keeps
  /// nothing else from being done; the first failure is returned at the end.
  Status KeepUp(const std::function<bool()>& goes_on) VIPER_EXCLUDES(turn_mutex_);

  uint64_t step_count() const { return steps_; }
  uint64_t copied_bytes() const { return copied_bytes_; }

 private:
  /// The files of one moment, and which of their rows are to go.
  struct Inventory {
    std::vector<PartView> parts;
    std::vector<CompactionFile> files;
    /// Rows of a part that have expired; null = none.
    std::vector<std::shared_ptr<const Bitmap>> expired;
  };
  /// A task, and the files that it is about.
  struct Job {
    std::shared_ptr<const Inventory> inventory;
    CompactionTask task;
  };
  /// What a run is about, by path: the files that there were when it began, and what it makes of
  /// them. What is flushed meanwhile is left to the next run: a run ends, whatever is written.
  struct Scope {
    std::set<std::string> found;
    /// Of those, the ones that are to be written anew in any case.
    std::set<std::string> asked_for;
    std::set<std::string> written;
  };
  struct Plan {
    Scope scope;
    std::shared_ptr<const Inventory> inventory;
    std::vector<CompactionTask> tasks;
    /// With the state before.
    CompactionReport report;
  };
  /// What the workers of a run share.
  struct Shared;

  /// Of all files in `scope` but those in `busy`.
  Result<std::shared_ptr<const Inventory>> Look(const std::set<std::string>& busy,
                                                const Scope& scope) VIPER_EXCLUDES(cost_mutex_);
  CompactionLimits LimitsOf(const CompactOptions& options) const VIPER_EXCLUDES(cost_mutex_);
  /// What the table is like now, and what there is to do about it.
  Result<Plan> MakePlan(const CompactOptions& options) VIPER_EXCLUDES(cost_mutex_);
  /// As a dry run tells it: the steps are those of the table as it is, not of what they would make
  /// of it.
  Result<CompactionReport> Foretell(const CompactOptions& options) VIPER_EXCLUDES(cost_mutex_);
  /// When this returns OK there is no other run until EndTurn. Cancelled as the options say.
  Status TakeTurn(const CompactOptions& options) VIPER_EXCLUDES(turn_mutex_);
  void EndTurn() VIPER_EXCLUDES(turn_mutex_);
  /// What becomes of the other tasks where one fails; one that is cancelled stops them all.
  enum class AfterFailure { kStop, kGoOn };
  Result<CompactionReport> RunInTurn(const CompactOptions& options, AfterFailure after,
                                     size_t workers) VIPER_EXCLUDES(turn_mutex_);
  Result<CompactionReport> DoAll(const CompactOptions& options, AfterFailure after, size_t workers);
  /// Do jobs until there are none that nobody does.
  void Work(Shared& shared);
  /// What the next job is; absent if there is none, or all are to stop.
  std::optional<Job> Take(Shared& shared);
  /// What became of a job, and what there is to do now. False if this worker is to end.
  bool Note(Shared& shared, const Job& job, Result<CompactionStep> step);
  /// As a dry run tells it.
  CompactionStep Predict(const Job& job) const VIPER_EXCLUDES(cost_mutex_);
  /// The cluster of each live row of a plan's sources; empty without an index.
  Result<PlacedRows> OrderByCluster(const FlushPlan& plan,
                                    const std::function<Status()>& check) const;
  /// Conflict if a file of the task is no longer in the table.
  Result<CompactionStep> Do(const Job& job, Shared& shared);

  const CollectionContext& context_;
  CollectionState& state_;
  Flusher& flusher_;
  IndexBuilder& index_builder_;
  Mutex& apply_mutex_;

  Mutex turn_mutex_;
  ConditionVariable turn_ended_;
  bool is_running_ VIPER_GUARDED_BY(turn_mutex_) = false;
  mutable Mutex cost_mutex_;
  CompactionCost cost_ VIPER_GUARDED_BY(cost_mutex_);
  std::atomic<uint64_t> steps_{0};
  std::atomic<uint64_t> copied_bytes_{0};
};

}  // namespace viper::core
