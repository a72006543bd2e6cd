#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/collection_context.h"
#include "core/collection_state.h"
#include "core/compactor.h"
#include "core/flusher.h"
#include "core/index_builder.h"
#include "core/memtable_coder.h"
#include "core/operation_recorder.h"
#include "core/write_queue.h"
#include "platform/background_thread.h"
#include "platform/mutex.h"
#include "storage/wal.h"
#include "viper/engine.h"

namespace viper {

/// An open collection: its rows (state_), and, unless read-only, what changes them: the log, the
/// queue of writers, the flusher and the background threads.
class Collection::Impl {
 public:
  /// Create the table of a new collection. AlreadyExists if there is one.
  static Status CreateTable(const core::CollectionContext& context, const CollectionSchema& schema,
                            const CollectionProperties& properties);
  /// Open the collection in `context.directory`; `context` comes without schema and read context.
  static Result<std::unique_ptr<Impl>> Open(core::CollectionContext context);
  ~Impl();

  const core::CollectionContext& context() const { return context_; }
  const RecoveryReport& recovery() const { return recovery_; }
  bool IsOfThisProcess() const { return context_.read->owner.IsThis(); }
  /// FailedPrecondition in a fork of the process that opened the collection.
  Status CheckProcess() const { return context_.read->CheckProcess(); }
  Snapshot GetSnapshot() const;
  /// Let the index remember what it knows of the state of now, as long as anybody holds that.
  void KnowIndexOfView() const;
  Result<Snapshot> SnapshotOfVersion(int64_t version) const;
  Result<Snapshot> SnapshotOfTime(Timestamp time) const;
  Result<std::vector<TableVersion>> Versions() const;
  /// Without rows and fields in a fork.
  std::shared_ptr<const core::ReadView> View() const;

  /// Do it, and note how it went.
  template <typename Function>
  auto Measured(core::OperationKind kind, Function&& function) const {
    return core::Measured(context_.operations.get(), kind, std::forward<Function>(function));
  }
  Status CheckWritable() const;
  Result<WriteSummary> Write(core::WriteBatch batch, core::WriteQueue::Condition condition);
  Result<WriteSummary> UpsertRecords(std::span<const Record> records);
  /// Write records as one batch, each of which must be new or must exist. `operation` is for
  /// messages.
  Result<WriteSummary> WriteIf(core::WriteQueue::Condition condition, std::string_view operation,
                               std::span<const Record> records);
  /// Give a prepared batch the versions that the caller names, and write it. `operation` is for
  /// messages.
  Result<WriteSummary> WriteIfVersion(core::WriteBatch batch, std::span<const int64_t> versions,
                                      std::string_view operation);
  /// Change the metadata of the records of these ids, each of them there once; the changes are
  /// checked.
  struct CheckedUpdate {
    std::string_view id;
    const MetadataChange* change = nullptr;
  };
  Result<WriteSummary> UpdateById(std::span<const CheckedUpdate> updates);
  /// Change the metadata of all records that match, or (null) delete them; the change is checked.
  Result<WriteSummary> ReviseWhere(const Filter& filter, const MetadataChange* change);
  Result<LoadSummary> Load(RecordSource& source, const LoadOptions& options);
  Status SetProperties(const CollectionProperties& properties);
  Status Flush();
  Result<CompactionReport> Compact(const CompactOptions& options);
  Result<VacuumReport> Vacuum(const VacuumOptions& options);
  Result<SchemaChangeReport> ChangeSchema(const core::Flusher::MakeSchema& make,
                                          std::span<const Field> named);
  Result<SchemaReport> ReportSchema(const SchemaReportOptions& options) const;
  enum class IndexBuild { kBringUp, kRetrain };
  Status BuildIndex(IndexBuild build, const std::function<bool(double)>& progress);
  Status Refresh();
  CollectionStatistics Statistics() const;

 private:
  explicit Impl(core::CollectionContext context) : context_(std::move(context)) {}

  /// Everything that only a writer has.
  struct Writer {
    std::unique_ptr<FileLock> lock;
    std::unique_ptr<storage::WalWriter> wal;
    Mutex apply_mutex;
    std::unique_ptr<core::WriteQueue> queue;
    std::unique_ptr<core::Flusher> flusher;
    std::unique_ptr<core::IndexBuilder> index_builder;
    std::unique_ptr<core::Compactor> compactor;
    std::unique_ptr<core::MemtableCoder> memtable_coder;
    /// Rows written since the index thread was last told of them.
    std::atomic<uint64_t> rows_to_code{0};
    std::atomic<bool> stopping{false};
    /// Of the training thread alone: after a failure it waits longer and longer, lest a file that
    /// cannot be read make every flush train a model for nothing.
    uint32_t failed_trainings = 0;
    std::chrono::steady_clock::time_point next_training = {};
    /// Somebody waits for memory: what is in it is to be flushed.
    std::atomic<bool> memory_is_wanted{false};
    // Last: their threads use all of the above.
    std::unique_ptr<BackgroundThread> flush_thread;
    std::unique_ptr<BackgroundThread> sync_thread;
    std::unique_ptr<BackgroundThread> compaction_thread;
    /// Trains, while the index thread keeps up with what is written.
    std::unique_ptr<BackgroundThread> training_thread;
    std::unique_ptr<BackgroundThread> index_thread;
    // Notifies the first of them.
    std::unique_ptr<MemoryBudget::Giver> memory_giver;
  };

  /// What opening finds on disk.
  struct Found {
    std::unique_ptr<storage::TableLog> log;
    storage::TableState table;
    storage::WalReplay replay;
  };

  Status OpenAny();
  Result<RecoveryReport> OpenReadOnly();
  Status OpenWriter();
  /// Load the table, open its parts, and replay the log on top: only then readers see it. Conflict:
  /// the writer moved on meanwhile.
  Result<Found> Recover(RecoveryReport& report);
  /// Check that the table is one of ours, and of this collection.
  Result<std::shared_ptr<const CollectionSchema>> TakeSchema(const storage::TableState& table);
  /// The rows of a table, its parts open. Those that are open already by that schema are used.
  Result<std::shared_ptr<core::CollectionState>> MakeState(
      const core::CollectionContext& context, std::shared_ptr<const CollectionSchema> schema,
      const storage::TableState& table, RecoveryReport& report) const;
  Result<storage::WalReplay> ReplayLog(const Found& found, core::CollectionState& state,
                                       RecoveryReport& report);
  /// Up to which record of the log the table has them by now.
  Result<uint64_t> NewestFlushed(const Found& found) const;
  Status SweepLeftovers(const storage::TableState& table, RecoveryReport& report);
  Status StartWriter(Found found);

  Result<Snapshot> ReadVersion(int64_t version) const;
  /// Bring a revision up to date and write it; what was done is added to `total`.
  Status Revise(core::Revision& revision, WriteSummary& total);
  /// Call `submit` until no load stands in its way.
  Result<WriteSummary> SubmitBesideLoads(const std::function<Result<WriteSummary>()>& submit);
  /// Rows were written, or deleted: count them, and wake who waits for them.
  void NoteWritten(core::WriteKind kind, uint64_t rows);
  /// Of one piece of a write that may be cut, given the bytes of all of it: one that fits stays
  /// whole.
  uint64_t PieceBytes(uint64_t all_bytes) const;
  /// Wait while too many rows are in memory. DeadlineExceeded; or why they cannot be flushed.
  Status WaitForFlush(std::chrono::steady_clock::time_point deadline) VIPER_EXCLUDES(status_mutex_);
  /// A flush is due for the sake of the log.
  bool LogIsLong() const;
  /// Wait until there is room in memory for a batch of so many bytes, and take it.
  Result<MemoryCharge> TakeRoom(uint64_t bytes);
  void FlushInBackground();
  Status FlushPreparing(const core::Flusher::Prepare& prepare);
  void CompactInBackground();
  core::IndexBuilder::ViewNow ViewNow() const {
    return [this] { return state()->View(); };
  }
  void KeepIndexUp();
  void TrainIndexInBackground();
  void NoteIndexing(const Status& status);
  void NoteRowsToCode(uint64_t rows);
  void NotifyIndexThread();
  /// There are files to code, and perhaps to merge.
  void NotifyOfNewFiles();
  void NoteDamagedIndexFile(const std::string& path);
  void OpenIndex(RecoveryReport& report);
  void NoteUnflushed();

  // Constant once the collection is open.
  core::CollectionContext context_;
  RecoveryReport recovery_;

  std::atomic<uint64_t> upserted_rows_{0};
  std::atomic<uint64_t> deleted_rows_{0};
  std::atomic<uint64_t> loaded_rows_{0};

  mutable Mutex status_mutex_;
  std::optional<std::string> background_error_ VIPER_GUARDED_BY(status_mutex_);
  /// When the oldest row that is not flushed was written.
  std::optional<std::chrono::steady_clock::time_point> oldest_unflushed_
      VIPER_GUARDED_BY(status_mutex_);
  ConditionVariable flush_ended_;
  uint64_t flushes_ended_ VIPER_GUARDED_BY(status_mutex_) = 0;
  /// How the last of them ended.
  Status newest_flush_ VIPER_GUARDED_BY(status_mutex_);

  /// One read-only Refresh at a time.
  Mutex refresh_mutex_;
  /// Replaced as a whole by a read-only Refresh.
  mutable Mutex state_mutex_;
  std::shared_ptr<core::CollectionState> state_ VIPER_GUARDED_BY(state_mutex_);
  std::shared_ptr<core::CollectionState> state() const {
    MutexLock lock(state_mutex_);
    return state_;
  }
  std::unique_ptr<Writer> writer_;  // null when read-only; destroyed first
};

}  // namespace viper
