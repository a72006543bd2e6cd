#include "core/write_queue.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "base/limits.h"
#include "base/status_macros.h"
#include "storage/part_sidecar.h"

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

Result<WriteSummary> WriteQueue::Submit(WriteBatch& batch, Condition condition,
                                        MemoryCharge& memory) {
  Pending own;
  own.memory = &memory;
  own.batch = &batch;
  own.condition = condition;
  return Run(own);
}

Result<WriteSummary> WriteQueue::Submit(Revision& revision, MemoryCharge& memory) {
  Pending own;
  own.memory = &memory;
  own.batch = &revision.batch();
  own.revision = &revision;
  return Run(own);
}

Result<WriteSummary> WriteQueue::Run(Pending& own) {
  own.payload = EncodeWriteBatch(*own.batch, context_.dim);
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
  const bool deletes = own.batch->kind == WriteKind::kDelete;
  summary.rows = deletes ? own.replaced_rows : own.batch->rows.size();
  summary.duplicates = own.batch->duplicates;
  summary.sequence = own.sequence;
  return summary;
}

void WriteQueue::Commit(std::span<Pending* const> group) {
  MutexLock apply(apply_mutex_);
  const int64_t now = context_.ExpiryNow();
  std::optional<CurrentRows> current;
  if (LooksAtRows(group, now)) current.emplace(state_.View(), now);
  std::vector<CollectionState::ResolvedBatch> admitted;
  std::vector<Pending*> admitted_pending;
  std::vector<storage::WalEntry> entries;
  for (Pending* pending : group) {
    CollectionState::ResolvedBatch resolved;
    pending->status = Admit(*pending, current ? &*current : nullptr, resolved);
    const bool has_work = !pending->batch->rows.empty() || !pending->batch->deleted_ids.empty();
    if (!pending->status.ok() || !has_work) continue;
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
    Pending& pending = *admitted_pending[i];
    pending.replaced_rows = admitted[i].replaced_rows - pending.expired_rows;
  }
}

Status WriteQueue::Admit(Pending& pending, CurrentRows* current,
                         CollectionState::ResolvedBatch& resolved) {
  if (pending.revision != nullptr) VIPER_RETURN_IF_ERROR(BringUpToDate(pending, *current));
  VIPER_ASSIGN_OR_RETURN(const bool is_changed, CheckAgain(*pending.batch, state_.schema()));
  if (is_changed) pending.payload = EncodeWriteBatch(*pending.batch, context_.dim);
  resolved.batch = pending.batch;
  resolved.memory = pending.memory;
  VIPER_ASSIGN_OR_RETURN(resolved.resolution, state_.Resolve(*pending.batch));
  if (current == nullptr) return {};
  if (pending.condition != Condition::kNone) {
    VIPER_RETURN_IF_ERROR(CheckCondition(pending, *current, resolved.resolution));
  }
  if (!pending.batch->if_versions.empty()) {
    VIPER_RETURN_IF_ERROR(CheckVersions(pending, *current));
  }
  if (pending.batch->kind == WriteKind::kDelete) {
    VIPER_RETURN_IF_ERROR(CountExpired(pending, *current, resolved.resolution));
  }
  current->Add(*pending.batch);
  return {};
}

bool WriteQueue::LooksAtRows(std::span<Pending* const> group, int64_t now) const {
  bool deletes = false;
  bool has_expired = state_.FirstExpiry() <= now;
  for (const Pending* pending : group) {
    if (pending->condition != Condition::kNone || pending->revision != nullptr) return true;
    if (!pending->batch->if_versions.empty()) return true;
    deletes |= pending->batch->kind == WriteKind::kDelete;
    for (const Row& row : pending->batch->rows) has_expired |= row.expires_at <= now;
  }
  return deletes && has_expired;
}

Status WriteQueue::CountExpired(Pending& pending, const CurrentRows& current,
                                const CollectionState::Resolution& resolution) const {
  pending.expired_rows = 0;
  for (size_t i = 0; i < resolution.size(); ++i) {
    const std::string& id = pending.batch->deleted_ids[i];
    const auto written = current.WrittenInGroup(id);
    if (written) {
      const bool is_expired = *written != nullptr && (*written)->expires_at <= current.now();
      pending.expired_rows += static_cast<uint64_t>(is_expired);
      continue;
    }
    const uint64_t hash = storage::HashId(id);
    if (!state_.HasRow(id, hash, resolution[i])) continue;
    VIPER_ASSIGN_OR_RETURN(const bool is_live,
                           state_.IsLive(id, hash, resolution[i], current.now()));
    pending.expired_rows += static_cast<uint64_t>(!is_live);
  }
  return {};
}

namespace {

/// A load's rows are not there before its commit, and are newer than what a write finds until then.
Status LoadIsCommitting(std::string_view id) {
  return Status::Conflict(
      fmt::format("a load that is just being committed writes the id '{}'", id));
}

}  // namespace

Status WriteQueue::BringUpToDate(Pending& pending, const CurrentRows& current) const {
  Revision& revision = *pending.revision;
  for (size_t i = 0; i < revision.size(); ++i) {
    const std::string& id = revision.id(i);
    if (state_.IsBeingLoaded(id, storage::HashId(id))) return LoadIsCommitting(id);
  }
  VIPER_ASSIGN_OR_RETURN(const bool is_new, revision.BringUpToDate(current));
  if (is_new) pending.payload = EncodeWriteBatch(*pending.batch, context_.dim);
  return {};
}

Status WriteQueue::CheckCondition(const Pending& pending, const CurrentRows& current,
                                  const CollectionState::Resolution& resolution) const {
  const bool must_exist = pending.condition == Condition::kMustExist;
  for (size_t i = 0; i < pending.batch->rows.size(); ++i) {
    const Row& row = pending.batch->rows[i];
    if (state_.IsBeingLoaded(row.id, row.id_hash)) return LoadIsCommitting(row.id);
    bool exists = false;
    if (const auto in_group = current.FindInGroup(row.id)) {
      exists = *in_group != nullptr;
    } else {
      VIPER_ASSIGN_OR_RETURN(exists,
                             state_.IsLive(row.id, row.id_hash, resolution[i], current.now()));
    }
    if (exists == must_exist) continue;
    if (must_exist) {
      return Status::NotFound(fmt::format("replace: no record has the id '{}'", row.id));
    }
    return Status::AlreadyExists(
        fmt::format("insert: a record with the id '{}' exists already", row.id));
  }
  return {};
}

Status WriteQueue::CheckVersions(const Pending& pending, const CurrentRows& current) const {
  const WriteBatch& batch = *pending.batch;
  for (size_t i = 0; i < batch.size(); ++i) {
    const std::string& id = batch.id(i);
    if (state_.IsBeingLoaded(id, storage::HashId(id))) return LoadIsCommitting(id);
    VIPER_ASSIGN_OR_RETURN(const CurrentRows::Place place, current.Find(id));
    VIPER_ASSIGN_OR_RETURN(const int64_t version, current.VersionAt(place));
    if (version == batch.if_versions[i]) continue;
    const auto told = [](int64_t of) { return of == 0 ? std::string("none") : std::to_string(of); };
    return Status::FailedPrecondition(
        fmt::format("the record '{}' is not of the version that the write asks for: expected={} "
                    "actual={}",
                    id, told(batch.if_versions[i]), told(version)));
  }
  return {};
}

}  // namespace viper::core
