#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <vector>

#include "core/collection_context.h"
#include "core/collection_state.h"
#include "core/revision.h"
#include "core/write_batch.h"
#include "platform/mutex.h"
#include "storage/wal.h"
#include "viper/engine.h"

namespace viper::core {

/// Group commit: writers queue up; one of them, the leader, logs everything that waits with one
/// write and one sync, applies it in order, and wakes the others. Thread-safe.
class WriteQueue {
 public:
  /// `apply_mutex` is held while a group is resolved, logged and applied. None is owned.
  WriteQueue(const CollectionContext& context, storage::WalWriter& wal, CollectionState& state,
             Mutex& apply_mutex)
      : context_(context), wal_(wal), state_(state), apply_mutex_(apply_mutex) {}

  /// What must hold of every id of a batch when its turn has come, or nothing of it is written:
  /// nothing; it has no live row (else AlreadyExists); it has one (else NotFound). And beside that
  /// what WriteBatch::if_versions says (else FailedPrecondition).
  enum class Condition : uint8_t { kNone, kMustBeNew, kMustExist };

  /// Log and apply one batch. Returns when it is as durable as the options ask, and visible.
  /// Conflict: it depends on rows that a load is just committing; nothing has changed, and after
  /// that commit the same batch may be submitted again. `memory` was taken for the rows; the
  /// memtable takes it over with them.
  Result<WriteSummary> Submit(WriteBatch& batch, Condition condition, MemoryCharge& memory);
  /// The same for a batch that is brought up to date first. Nothing is logged if nothing is left of
  /// it: the sequence number is 0 then.
  Result<WriteSummary> Submit(Revision& revision, MemoryCharge& memory);

 private:
  struct Pending {
    WriteBatch* batch = nullptr;
    Condition condition = Condition::kNone;
    /// Whose the batch is; null: it is what it is.
    Revision* revision = nullptr;
    MemoryCharge* memory = nullptr;
    std::vector<std::byte> payload;
    bool done = false;
    Status status;
    uint64_t sequence = 0;
    uint64_t replaced_rows = 0;
    /// Of those that a delete replaces: expired, so that nobody has seen them any more.
    uint64_t expired_rows = 0;
  };

  Result<WriteSummary> Run(Pending& own);
  std::vector<Pending*> TakeGroup() VIPER_REQUIRES(queue_mutex_);
  void Commit(std::span<Pending* const> group) VIPER_EXCLUDES(queue_mutex_);
  Status Admit(Pending& pending, CurrentRows* current, CollectionState::ResolvedBatch& resolved);
  /// Whether the rows that are there decide what becomes of a group, or what is told of it.
  bool LooksAtRows(std::span<Pending* const> group, int64_t now) const;
  Status CheckVersions(const Pending& pending, const CurrentRows& current) const;
  Status CountExpired(Pending& pending, const CurrentRows& current,
                      const CollectionState::Resolution& resolution) const;
  Status BringUpToDate(Pending& pending, const CurrentRows& current) const;
  Status CheckCondition(const Pending& pending, const CurrentRows& current,
                        const CollectionState::Resolution& resolution) const;

  const CollectionContext& context_;
  storage::WalWriter& wal_;
  CollectionState& state_;
  Mutex& apply_mutex_;  // taken after queue_mutex_ is released

  Mutex queue_mutex_;
  ConditionVariable done_;
  std::deque<Pending*> queue_ VIPER_GUARDED_BY(queue_mutex_);
  bool has_leader_ VIPER_GUARDED_BY(queue_mutex_) = false;
};

}  // namespace viper::core
