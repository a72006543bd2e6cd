#include "core/write_queue.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "base/limits.h"
#include "base/status_macros.h"

namespace viper::core {

std::vector<WriteQueue::Pending*> WriteQueue::TakeGroup() {
  std::vector<Pending*> group;
  size_t bytes = 0;
  while (!queue_.empty() && (group.empty() || bytes < kAtomicWriteBytesMax)) {
    bytes += queue_.front()->payload.size();
    group.push_back(queue_.front());
    queue_.pop_front();
  }
  return group;
}

Result<WriteSummary> WriteQueue::Submit(WriteBatch batch, Condition condition) {
  Pending own;
  own.batch = &batch;
  own.condition = condition;
  own.payload = EncodeWriteBatch(batch, context_.schema->dim);
  {
    MutexLock lock(queue_mutex_);
    queue_.push_back(&own);
    while (!own.done) {
      if (has_leader_) {
        done_.Wait(queue_mutex_);
        continue;
      }
      has_leader_ = true;
      const std::vector<Pending*> group = TakeGroup();
      queue_mutex_.Unlock();
      Commit(group);
      queue_mutex_.Lock();
      for (Pending* pending : group) pending->done = true;
      has_leader_ = false;
      done_.NotifyAll();
    }
  }
  VIPER_RETURN_IF_ERROR(own.status);
  WriteSummary summary;
  summary.rows = batch.kind == WriteKind::kDelete ? own.replaced_rows : batch.rows.size();
  summary.duplicates = batch.duplicates;
  summary.sequence = own.sequence;
  return summary;
}

void WriteQueue::Commit(std::span<Pending* const> group) {
  MutexLock apply(apply_mutex_);
  const bool needs_ids = std::any_of(group.begin(), group.end(), [](const Pending* pending) {
    return pending->condition == Condition::kMustBeNew;
  });
  GroupIds group_ids;
  std::vector<CollectionState::ResolvedBatch> admitted;
  std::vector<Pending*> admitted_pending;
  std::vector<storage::WalEntry> entries;
  for (Pending* pending : group) {
    CollectionState::ResolvedBatch resolved;
    pending->status = Admit(*pending, needs_ids ? &group_ids : nullptr, resolved);
    if (!pending->status.ok()) continue;
    admitted.push_back(std::move(resolved));
    admitted_pending.push_back(pending);
    entries.push_back({static_cast<uint8_t>(pending->batch->kind), pending->payload});
  }
  if (entries.empty()) return;
  const auto first = wal_.Append(entries);
  for (size_t i = 0; i < admitted.size(); ++i) {
    if (!first.ok()) {
      admitted_pending[i]->status = first.status();
      continue;
    }
    admitted[i].sequence = admitted_pending[i]->sequence = *first + i;
  }
  if (!first.ok()) return;
  state_.Apply(admitted);
  for (size_t i = 0; i < admitted.size(); ++i) {
    admitted_pending[i]->replaced_rows = admitted[i].replaced_rows;
  }
}

Status WriteQueue::Admit(Pending& pending, GroupIds* group_ids,
                         CollectionState::ResolvedBatch& resolved) {
  resolved.batch = pending.batch;
  VIPER_ASSIGN_OR_RETURN(resolved.resolution, state_.Resolve(*pending.batch));
  if (group_ids == nullptr) return {};
  if (pending.condition == Condition::kMustBeNew) {
    VIPER_RETURN_IF_ERROR(CheckAllNew(pending, *group_ids, resolved.resolution));
  }
  for (const Row& row : pending.batch->rows) (*group_ids)[row.id] = true;
  for (const std::string& id : pending.batch->deleted_ids) (*group_ids)[id] = false;
  return {};
}

Status WriteQueue::CheckAllNew(const Pending& pending, const GroupIds& group_ids,
                               const CollectionState::Resolution& resolution) const {
  const int64_t now = context_.NowMicros();
  for (size_t i = 0; i < pending.batch->rows.size(); ++i) {
    const Row& row = pending.batch->rows[i];
    bool exists = false;
    if (auto in_group = group_ids.find(row.id); in_group != group_ids.end()) {
      exists = in_group->second;
    } else {
      VIPER_ASSIGN_OR_RETURN(exists, state_.IsLive(row.id, row.id_hash, resolution[i], now));
    }
    if (exists) {
      return Status::AlreadyExists(
          fmt::format("insert: a record with the id '{}' exists already", row.id));
    }
  }
  return {};
}

}  // namespace viper::core
