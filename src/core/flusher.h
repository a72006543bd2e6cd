#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/collection_context.h"
#include "core/collection_state.h"
#include "core/part_builder.h"
#include "platform/mutex.h"
#include "storage/table_log.h"
#include "storage/wal.h"

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

  /// Flush whatever is in memory. Does nothing if the table has it all.
  Status Flush() VIPER_EXCLUDES(flush_mutex_);
  /// Commit `loaded` (nobody writes to it any more) on top of everything, with these transactions.
  Status CommitLoaded(std::shared_ptr<Memtable> loaded,
                      const std::map<std::string, int64_t>& transactions)
      VIPER_EXCLUDES(flush_mutex_);
  /// Take in the commits of others.
  Status Refresh() VIPER_EXCLUDES(flush_mutex_);

  /// Wait until the flush or the commit of a load that is under way, if one is, has ended.
  void WaitForCommit() const VIPER_EXCLUDES(flush_mutex_) { MutexLock lock(flush_mutex_); }

  /// The version that the table holds for an application id, 0 if none.
  int64_t TransactionVersion(const std::string& application) const VIPER_EXCLUDES(flush_mutex_);
  uint64_t flushed_sequence() const { return flushed_sequence_.load(); }
  uint64_t flush_count() const { return flushes_.load(); }
  uint64_t checkpoint_count() const { return checkpoints_.load(); }

 private:
  using Transactions = std::map<std::string, int64_t>;
  using Parts = std::vector<std::shared_ptr<const Part>>;

  Status Run(const std::shared_ptr<Memtable>& loaded, const Transactions& transactions)
      VIPER_REQUIRES(flush_mutex_);
  Result<FlushPlan> Begin(const std::shared_ptr<Memtable>& loaded) VIPER_EXCLUDES(apply_mutex_);
  /// Conflict: somebody else committed first; nothing of the plan happened.
  Status Carry(const FlushPlan& plan, const Transactions& transactions)
      VIPER_REQUIRES(flush_mutex_);
  storage::TableCommit MakeCommit(const FlushPlan& plan, const BuiltParts& built,
                                  const Parts& new_parts, const Transactions& transactions) const;
  /// Open what was just built, or what others committed.
  Result<Parts> OpenBuilt(const BuiltParts& built) const;
  Result<Parts> OpenParts(const std::vector<storage::AddedFile>& files) const;
  void RemoveFiles(const std::vector<storage::AddedFile>& files) const;
  Status AdoptCommitsOfOthers() VIPER_REQUIRES(flush_mutex_);
  void Clean(const FlushPlan& plan) VIPER_REQUIRES(flush_mutex_);

  const CollectionContext& context_;
  CollectionState& state_;
  storage::WalWriter& wal_;
  Mutex& apply_mutex_;

  mutable Mutex flush_mutex_;
  const std::unique_ptr<storage::TableLog> log_ VIPER_GUARDED_BY(flush_mutex_);
  storage::TableState table_ VIPER_GUARDED_BY(flush_mutex_);
  std::atomic<uint64_t> flushed_sequence_{0};
  std::atomic<uint64_t> flushes_{0};
  std::atomic<uint64_t> checkpoints_{0};
};

/// The parts of a table state, oldest first, split by who wrote them.
struct TableParts {
  std::vector<std::shared_ptr<const Part>> own;
  std::vector<std::shared_ptr<const Part>> foreign;
};

/// How parts of this collection are opened.
Part::OpenOptions PartOptions(const CollectionContext& context);

}  // namespace viper::core
