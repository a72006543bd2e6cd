#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/collection_context.h"
#include "core/collection_state.h"
#include "core/part_builder.h"
#include "platform/mutex.h"
#include "storage/table_log.h"
#include "storage/wal.h"
#include "viper/maintenance.h"

namespace viper::core {

/// Moves rows from memory to the table, one commit at a time, and takes in what others committed.
///
/// A flush: (1) close the active memtable and note the newest applied sequence number; (2) write
/// its live rows, and those of parts with dead rows, into new parts; (3) commit them with the
/// sequence number as the transaction's version: the one moment at which the flush happens; (4)
/// swap them in for their sources; (5) drop the log up to there. A crash before (3) leaves files
/// that nobody refers to; after it, log records that the transaction says to skip. Thread-safe.
/// Lock order: flush_mutex_, then the apply mutex.
class Flusher {
 public:
  Flusher(const CollectionContext& context, std::unique_ptr<storage::TableLog> log,
          storage::TableState table, CollectionState& state, storage::WalWriter& wal,
          Mutex& apply_mutex);

  /// Is given the new parts of a commit, open, before it.
  using Prepare = std::function<void(const FlushPlan& plan, const FlushResult& result)>;
  /// Flush whatever is in memory. Does nothing if the table has it all.
  Status Flush(const Prepare& prepare) VIPER_EXCLUDES(flush_mutex_);
  /// Commit `loaded` (nobody writes to it any more) on top of everything, with these transactions.
  Status CommitLoaded(std::shared_ptr<Memtable> loaded,
                      const std::map<std::string, int64_t>& transactions)
      VIPER_EXCLUDES(flush_mutex_);
  /// Commit parts that were built by a plan of CollectionState::PlanRewrite, while writes and
  /// flushes went on: rows that the table has come to know to be dead since are in the deletion
  /// vectors of the new parts. Conflict if a source is no longer in the table.
  struct Compacted {
    /// For the commit's operationParameters and operationMetrics.
    std::string reason;
    std::map<std::string, std::string> metrics;
    /// Rows are gone that were alive.
    bool data_change = false;
  };
  Status CommitCompacted(const FlushPlan& plan, BuiltParts built, const Compacted& compacted,
                         const Prepare& prepare) VIPER_EXCLUDES(flush_mutex_);
  /// What the fields are to be, given what they are.
  using MakeSchema = std::function<Result<CollectionSchema>(const CollectionSchema& current)>;
  /// Declare fields, in one commit. Fields that are new are only declared: parts that lack them are
  /// read with what their payloads have (Part::BackFills) until they are written anew. If a field
  /// changes its type, which only widens it, all parts are written anew in that commit; no flush
  /// goes on meanwhile. InvalidArgument if a value would be lost.
  Status ChangeSchema(const MakeSchema& make) VIPER_EXCLUDES(flush_mutex_);
  /// If the table asks its readers to know deletion vectors, and has none any more: ask no longer.
  /// Whether that was so.
  Result<bool> LowerProtocol() VIPER_EXCLUDES(flush_mutex_);
  /// Whether it would, once the files of these paths were written anew.
  bool WouldLowerProtocol(const std::set<std::string>& rewritten) const
      VIPER_EXCLUDES(flush_mutex_);
  /// Change the properties of the table, unless it has them already.
  Status SetProperties(const CollectionProperties& properties) VIPER_EXCLUDES(flush_mutex_);
  /// Take in the commits of others, and remove files that no version of the table needs that is
  /// still kept. Errors as ExpiredBefore (retention.h).
  Result<VacuumReport> Vacuum(const VacuumOptions& options) VIPER_EXCLUDES(flush_mutex_);
  /// Take in the commits of others.
  Status Refresh() VIPER_EXCLUDES(flush_mutex_);

  /// Why the table takes no more commits: FailedPrecondition, else OK.
  Status CheckTakesCommits() const VIPER_EXCLUDES(flush_mutex_);

  /// How parts of the table are written: as the options say, but none with sparse vectors if the
  /// table has another column `_sparse`.
  PartBuildOptions BuildOptions() const;

  /// Wait until the flush or the commit of a load that is under way, if one is, has ended.
  void WaitForCommit() const VIPER_EXCLUDES(flush_mutex_) { MutexLock lock(flush_mutex_); }

  /// The version that the table holds for an application id, 0 if none.
  int64_t TransactionVersion(const std::string& application) const VIPER_EXCLUDES(flush_mutex_);
  uint64_t flushed_sequence() const { return flushed_sequence_.load(); }
  uint64_t flush_count() const { return flushes_.load(); }
  uint64_t checkpoint_count() const { return checkpoints_.load(); }

 private:
  /// How often a commit is tried again because somebody else committed first.
  static constexpr int kAttemptsMax = 10;

  using Transactions = std::map<std::string, int64_t>;
  using Vectors = std::vector<std::shared_ptr<const DeletionVector>>;

  Status Run(const std::shared_ptr<Memtable>& loaded, const Transactions& transactions,
             const Prepare& prepare) VIPER_REQUIRES(flush_mutex_);
  /// Rows that a file of another writer replaced are dead because it is there: opening finds out
  /// anew. Before its rows move to a file of ours, which is not asked, the table has to know.
  Status CommitDeathsByOthers() VIPER_REQUIRES(flush_mutex_);
  Result<FlushPlan> Begin(const std::shared_ptr<Memtable>& loaded) VIPER_EXCLUDES(apply_mutex_);
  /// Conflict: somebody else committed first; nothing of the plan happened.
  Status Carry(const FlushPlan& plan, const Transactions& transactions, const Prepare& prepare)
      VIPER_REQUIRES(flush_mutex_);
  /// Everything that is on disk for a plan before it is committed.
  struct Written {
    /// The new parts as the log will name them.
    std::vector<storage::AddedFile> added;
    FlushResult result;
    /// Of the file with deletion vectors, below the table; empty if there are none.
    std::string vector_path;
    bool data_change = true;
    /// Their commit failed, and it is not known whether it happened.
    bool may_be_committed = false;
    /// As BuiltParts::has_sparse_column.
    bool has_sparse_column = false;
    /// Of a compaction.
    std::string reason;
    std::map<std::string, std::string> metrics;
  };
  Result<Written> Write(const FlushPlan& plan) const;
  /// What was built for a plan, open.
  Result<Written> OpenBuilt(const FlushPlan& plan, BuiltParts built) const;
  /// Write one file with these deletion vectors (null = none) in the order given.
  Result<Vectors> WriteVectors(std::span<const std::shared_ptr<const Bitmap>> rows,
                               std::string& path) const;
  Status CommitCompactedOnce(const FlushPlan& plan, Written& written) VIPER_REQUIRES(flush_mutex_);
  storage::TableCommit MakeCommit(const FlushPlan& plan, const Written& written) const
      VIPER_REQUIRES(flush_mutex_);
  using SchemaPointer = std::shared_ptr<const CollectionSchema>;
  /// Conflict: somebody else committed first; nothing has changed.
  Status ChangeSchemaOnce(const SchemaPointer& schema) VIPER_REQUIRES(flush_mutex_);
  Status DeclareFields(const SchemaPointer& schema, const storage::TableMetadata& metadata)
      VIPER_REQUIRES(flush_mutex_);
  Status RewriteForSchema(const SchemaPointer& schema, const storage::TableMetadata& metadata)
      VIPER_REQUIRES(flush_mutex_);
  /// All parts that are not removed, open by another schema.
  Result<std::map<const Part*, std::shared_ptr<const Part>>> Reopen(
      const CollectionSchema& schema, const std::vector<std::string>& removed_paths) const;
  /// The schema of a table that others changed; null: it stays.
  Result<SchemaPointer> SchemaAfter(const storage::TableState& next) const
      VIPER_REQUIRES(flush_mutex_);
  /// The table as others have left it: `table_` if they did nothing.
  Result<storage::TableState> NewestTable() VIPER_REQUIRES(flush_mutex_);
  /// What leads from `table_` to that one, its parts open.
  Result<TableChange> ChangeTo(const storage::TableState& next) const VIPER_REQUIRES(flush_mutex_);
  /// Commit what was written, and have `table_` be what comes of it. Conflict: somebody else was
  /// first.
  Status Commit(const storage::TableCommit& commit, Written& written) VIPER_REQUIRES(flush_mutex_);
  /// Of a commit that did not happen.
  void RemoveFiles(Written& written) const;
  void RemoveVectors(Written& written) const;
  /// A commit that changes nothing of the rows.
  Status CommitWithoutRows(const storage::TableCommit& commit) VIPER_REQUIRES(flush_mutex_);
  /// Take in what others committed, all of it at once. Files that they have removed again are not
  /// asked for: they may be gone.
  Status AdoptCommitsOfOthers() VIPER_REQUIRES(flush_mutex_);
  /// NotFound: a file is gone, since the table has moved on again.
  Status AdoptNewestTable() VIPER_REQUIRES(flush_mutex_);
  /// Remove what a commit has left behind, and write a checkpoint where one is due.
  void Clean(const FlushPlan& plan) VIPER_REQUIRES(flush_mutex_);
  void RemoveSidecars(const FlushPlan& plan) const;
  void WriteCheckpointIfDue() VIPER_REQUIRES(flush_mutex_);

  const CollectionContext& context_;
  CollectionState& state_;
  storage::WalWriter& wal_;
  Mutex& apply_mutex_;

  mutable Mutex flush_mutex_;
  const std::unique_ptr<storage::TableLog> log_ VIPER_GUARDED_BY(flush_mutex_);
  storage::TableState table_ VIPER_GUARDED_BY(flush_mutex_);
  std::atomic<bool> allows_sparse_{true};
  std::atomic<uint64_t> flushed_sequence_{0};
  std::atomic<uint64_t> flushes_{0};
  std::atomic<uint64_t> checkpoints_{0};
};

/// The log of this collection's table, kept as its options say where the table itself does not.
std::unique_ptr<storage::TableLog> MakeTableLog(const CollectionContext& context);

/// How parts of this collection are to be written, and opened by a schema.
PartBuildOptions MakeBuildOptions(const CollectionContext& context);
Part::OpenOptions PartOptions(const CollectionContext& context, const CollectionSchema& schema);

/// Open a file of the table. `open` is it if it is open already, by this schema, else null.
Result<PartView> OpenPartView(const CollectionContext& context, const CollectionSchema& schema,
                              const storage::AddedFile& file,
                              std::shared_ptr<const Part> open = nullptr);

/// The order in which files of other writers supersede each other: later ones earlier ones.
void SortByAge(std::vector<PartView>& parts);

}  // namespace viper::core
