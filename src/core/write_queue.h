#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <vector>

#include "core/collection_context.h"
#include "core/collection_state.h"
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

  enum class Condition : uint8_t { kNone, kMustBeNew };

  /// Log and apply one batch. Returns when it is as durable as the options ask, and visible.
  Result<WriteSummary> Submit(WriteBatch batch, Condition condition);

 private:
  struct Pending {
    WriteBatch* batch = nullptr;
    Condition condition = Condition::kNone;
    std::vector<std::byte> payload;
    bool done = false;
    Status status;
    uint64_t sequence = 0;
    uint64_t replaced_rows = 0;
  };
  /// Ids written by earlier batches of a group: alive (true) or deleted.
  using GroupIds = std::map<std::string, bool, std::less<>>;

  std::vector<Pending*> TakeGroup() VIPER_REQUIRES(queue_mutex_);
  void Commit(std::span<Pending* const> group) VIPER_EXCLUDES(queue_mutex_);
  Status Admit(Pending& pending, GroupIds* group_ids, CollectionState::ResolvedBatch& resolved);
  Status CheckAllNew(const Pending& pending, const GroupIds& group_ids,
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
