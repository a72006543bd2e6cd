#include "core/collection_state.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/assert.h"
#include "base/status_macros.h"
#include "storage/part_sidecar.h"

namespace viper::core {

/// Working copies of dead bitmaps, by where the published pointer lives.
class CollectionState::Deaths {
 public:
  using Slot = std::shared_ptr<const Bitmap>;

  bool IsDead(const Slot& slot, size_t row) const {
    auto found = copies_.find(const_cast<Slot*>(&slot));  // NOLINT: only as a key
    const Bitmap* bitmap = found == copies_.end() ? slot.get() : &found->second;
    return bitmap != nullptr && row < bitmap->size() && bitmap->Test(row);
  }
  /// `rows`: how many bits the bitmap must have at least.
  void Kill(Slot& slot, size_t row, size_t rows) {
    auto [copy, is_new] = copies_.try_emplace(&slot);
    if (is_new && slot != nullptr) copy->second = *slot;
    if (copy->second.size() < rows) copy->second.Resize(rows);
    copy->second.Set(row);
  }
  /// Put the copies in place. Readers must be kept out.
  void Publish() {
    for (auto& [slot, bitmap] : copies_) *slot = std::make_shared<const Bitmap>(std::move(bitmap));
    copies_.clear();
  }

 private:
  std::map<Slot*, Bitmap> copies_;
};

CollectionState::CollectionState(std::shared_ptr<const CollectionSchema> schema,
                                 std::vector<PartView> parts, int64_t table_version,
                                 uint64_t sequence, std::shared_ptr<MemoryBudget> memory)
    : memory_(std::move(memory)),
      schema_(std::move(schema)),
      parts_(std::move(parts)),
      sequence_(sequence),
      table_version_(table_version) {
  AddMemtable();
}

void CollectionState::AddMemtable() {
  MemtableState added;
  added.memtable =
      std::make_shared<Memtable>(schema_->dim, MemoryCharge(memory_, MemoryUse::kRows));
  Publish(added);
  memtables_.push_back(std::move(added));
}

void CollectionState::Publish(MemtableState& state) {
  MemtableView& view = state.published;
  const Memtable& memtable = *state.memtable;
  view.memtable = state.memtable;
  if (view.chunks == nullptr || view.chunks->size() != memtable.chunks().size()) {
    view.chunks = std::make_shared<const Memtable::Chunks>(memtable.chunks());
  }
  view.row_count = memtable.row_count();
  view.max_norm = memtable.max_norm();
  view.first_expiry = memtable.first_expiry();
  view.memory_bytes = memtable.memory_bytes();
}

std::shared_ptr<const ReadView> CollectionState::View() const {
  MutexLock lock(mutex_);
  if (view_ == nullptr) {
    auto view = std::make_shared<ReadView>();
    view->schema = schema_;
    view->parts = parts_;
    for (const MemtableState& memtable : memtables_) {
      if (memtable.published.row_count > 0) view->memtables.push_back(memtable.published);
    }
    view->table_version = table_version_;
    view->sequence = sequence_;
    view_ = std::move(view);
  }
  return view_;
}

Result<CollectionState::Resolution> CollectionState::Resolve(const WriteBatch& batch) const {
  const bool deletes = batch.kind == WriteKind::kDelete;
  const size_t count = deletes ? batch.deleted_ids.size() : batch.rows.size();
  Resolution resolution(count);
  for (size_t i = 0; i < count; ++i) {
    const std::string& id = deletes ? batch.deleted_ids[i] : batch.rows[i].id;
    const uint64_t hash = deletes ? storage::HashId(id) : batch.rows[i].id_hash;
    for (size_t part = parts_.size(); part-- > 0 && !resolution[i];) {
      VIPER_ASSIGN_OR_RETURN(auto row,
                             parts_[part].part->FindId(id, hash, parts_[part].dead.get()));
      if (row) resolution[i] = Replaced{part, *row};
    }
  }
  return resolution;
}

Result<bool> CollectionState::IsLive(std::string_view id, uint64_t id_hash,
                                     const std::optional<Replaced>& in_part, int64_t now) const {
  for (size_t i = memtables_.size(); i-- > 0;) {
    const MemtableView& view = memtables_[i].published;
    auto row = view.memtable->FindNewest(id, id_hash, view.row_count);
    if (row) return !view.IsDead(*row) && view.row(*row).expires_at > now;
  }
  if (!in_part) return false;
  const Part& part = *parts_[in_part->part].part;
  if (part.first_expiry() > now) return true;
  VIPER_ASSIGN_OR_RETURN(auto place, part.PageOfRow(columnar::kExpiresAtColumn, in_part->row));
  return !place.column->IsPresent(place.index) || place.column->int64s()[place.index] > now;
}

bool CollectionState::HasRow(std::string_view id, uint64_t id_hash,
                             const std::optional<Replaced>& in_part) const {
  for (size_t i = memtables_.size(); i-- > 0;) {
    const MemtableView& view = memtables_[i].published;
    const auto row = view.memtable->FindNewest(id, id_hash, view.row_count);
    if (row) return !view.IsDead(*row);
  }
  return in_part.has_value();
}

int64_t CollectionState::FirstExpiry() const {
  int64_t first = kNeverExpires;
  for (const PartView& part : parts_) first = std::min(first, part.part->first_expiry());
  for (const MemtableState& memtable : memtables_) {
    first = std::min(first, memtable.published.first_expiry);
  }
  return first;
}

bool CollectionState::IsBeingLoaded(std::string_view id, uint64_t id_hash) const {
  if (!loading_) return false;
  const Memtable& memtable = *loading_->memtable;
  const auto row = memtable.FindNewest(id, id_hash, memtable.row_count());
  return row && !loading_->published.IsDead(*row);
}

bool CollectionState::KillReplaced(std::string_view id, uint64_t id_hash,
                                   const std::optional<Replaced>& in_part, Deaths& deaths) {
  if (loading_) {
    const uint32_t rows = loading_->memtable->row_count();
    auto row = loading_->memtable->FindNewest(id, id_hash, rows);
    if (row) deaths.Kill(loading_->published.dead, *row, rows);
  }
  for (size_t i = memtables_.size(); i-- > 0;) {
    MemtableState& state = memtables_[i];
    const uint32_t rows = state.memtable->row_count();
    auto row = state.memtable->FindNewest(id, id_hash, rows);
    if (!row) continue;
    // If its newest row here is dead, the id was deleted since (a newer place was looked at
    // already).
    if (deaths.IsDead(state.published.dead, *row)) return false;
    deaths.Kill(state.published.dead, *row, rows);
    return true;
  }
  if (!in_part) return false;
  PartView& part = parts_[in_part->part];
  if (deaths.IsDead(part.dead, in_part->row)) return false;
  deaths.Kill(part.dead, in_part->row, part.part->row_count());
  return true;
}

void CollectionState::ApplyBatch(ResolvedBatch& resolved, Deaths& deaths) {
  WriteBatch& batch = *resolved.batch;
  if (batch.kind == WriteKind::kDelete) {
    for (size_t i = 0; i < batch.deleted_ids.size(); ++i) {
      const std::string& id = batch.deleted_ids[i];
      resolved.replaced_rows +=
          KillReplaced(id, storage::HashId(id), resolved.resolution[i], deaths) ? 1 : 0;
    }
    return;
  }
  if (resolved.memory != nullptr) memtables_.back().memtable->TakeMemory(*resolved.memory);
  for (size_t i = 0; i < batch.rows.size(); ++i) {
    Row& row = batch.rows[i];
    resolved.replaced_rows +=
        KillReplaced(row.id, row.id_hash, resolved.resolution[i], deaths) ? 1 : 0;
    memtables_.back().memtable->Append(std::move(row));
  }
}

void CollectionState::Apply(std::span<ResolvedBatch> batches) {
  Deaths deaths;
  for (ResolvedBatch& batch : batches) ApplyBatch(batch, deaths);
  memtables_.back().memtable->SettleMemory();
  MutexLock lock(mutex_);
  deaths.Publish();
  Publish(memtables_.back());
  if (!batches.empty()) sequence_ = batches.back().sequence;
  view_.reset();
}

FlushPlan CollectionState::MakePlan() const {
  FlushPlan plan;
  plan.through_sequence = sequence_;
  plan.schema = schema_;
  for (const PartView& part : parts_) {
    FlushSource source;
    source.part = part.part;
    source.row_count = part.part->row_count();
    source.deletion_vector = part.deletion_vector;
    source.dead = part.dead != nullptr ? part.dead : std::make_shared<Bitmap>(source.row_count);
    plan.sources.push_back(std::move(source));
  }
  for (const MemtableState& memtable : memtables_) {
    if (memtable.memtable->row_count() == 0) continue;
    FlushSource source;
    source.memtable = memtable.memtable;
    source.row_count = memtable.memtable->row_count();
    Bitmap dead = memtable.published.dead != nullptr ? *memtable.published.dead : Bitmap();
    dead.Resize(source.row_count);
    source.dead = std::make_shared<const Bitmap>(std::move(dead));
    plan.sources.push_back(std::move(source));
  }
  return plan;
}

namespace {

/// Parts of which the table knows all that is dead stay as they are.
void KeepOnlyWork(FlushPlan& plan) {
  std::erase_if(plan.sources, [](const FlushSource& source) {
    return source.part != nullptr && !source.has_news();
  });
}

}  // namespace

FlushPlan CollectionState::BeginFlush() {
  FlushPlan plan = MakePlan();
  KeepOnlyWork(plan);
  MutexLock lock(mutex_);
  if (memtables_.back().memtable->row_count() > 0) AddMemtable();
  return plan;
}

Status CollectionState::KillLoadedIds(const Memtable& loaded, FlushPlan& plan) const {
  std::vector<std::optional<Bitmap>> copies(plan.sources.size());
  const auto kill = [&](size_t source, uint32_t row) {
    if (!copies[source]) copies[source] = *plan.sources[source].dead;
    copies[source]->Set(row);
  };
  const auto is_dead = [&](size_t source, uint32_t row) {
    return copies[source] ? copies[source]->Test(row) : plan.sources[source].dead->Test(row);
  };
  for (uint32_t number = 0; number < loaded.row_count(); ++number) {
    const Row& row = loaded.row(number);
    for (size_t i = plan.sources.size(); i-- > 0;) {
      const FlushSource& source = plan.sources[i];
      std::optional<uint32_t> found;
      if (source.memtable != nullptr) {
        found = source.memtable->FindNewest(row.id, row.id_hash,
                                            static_cast<uint32_t>(source.row_count));
      } else {
        VIPER_ASSIGN_OR_RETURN(found, source.part->FindId(row.id, row.id_hash, source.dead.get()));
      }
      if (!found) continue;
      if (!is_dead(i, *found)) kill(i, *found);
      break;
    }
  }
  for (size_t i = 0; i < copies.size(); ++i) {
    if (copies[i]) plan.sources[i].dead = std::make_shared<const Bitmap>(std::move(*copies[i]));
  }
  return {};
}

Result<FlushPlan> CollectionState::BeginLoad(std::shared_ptr<Memtable> loaded) {
  FlushPlan plan = MakePlan();
  VIPER_RETURN_IF_ERROR(KillLoadedIds(*loaded, plan));
  KeepOnlyWork(plan);
  MemtableState loading;
  loading.memtable = loaded;
  Publish(loading);
  const uint32_t rows = loaded->row_count();
  Bitmap repeated(rows);
  for (uint32_t number = 0; number < rows; ++number) {
    const Row& row = loaded->row(number);
    if (loaded->FindNewest(row.id, row.id_hash, rows) != number) repeated.Set(number);
  }
  loading.published.dead = std::make_shared<const Bitmap>(std::move(repeated));
  plan.sources.push_back({nullptr, loaded, rows, loading.published.dead});
  MutexLock lock(mutex_);
  if (memtables_.back().memtable->row_count() > 0) AddMemtable();
  loading_ = std::move(loading);
  return plan;
}

namespace {

/// Rows of a plan's sources as bits of the new parts that they moved to.
class CarriedRows {
 public:
  explicit CarriedRows(const FlushResult& result) : result_(result), rows_(result.parts.size()) {
    for (const MovedRows& run : result.moved) runs_.push_back(&run);
    std::sort(runs_.begin(), runs_.end(), [](const MovedRows* a, const MovedRows* b) {
      return std::pair(a->source, a->first_live) < std::pair(b->source, b->first_live);
    });
  }

  /// Carry the rows that are set and were alive in the plan.
  void Carry(size_t source_index, const FlushSource& source, const Bitmap* rows) {
    if (rows == nullptr) return;
    size_t counted = 0;
    uint64_t dead_before = 0;
    rows->ForEachSet([&](size_t row) {
      dead_before += source.dead->CountSet(counted, row);
      counted = row;
      if (!source.dead->Test(row)) Set(source_index, row - dead_before);
    });
  }

  /// Empty if no row of the part is set.
  std::vector<Bitmap> Take() { return std::move(rows_); }

 private:
  void Set(size_t source_index, uint64_t live) {
    const auto after =
        std::upper_bound(runs_.begin(), runs_.end(), std::pair(source_index, live),
                         [](const std::pair<size_t, uint64_t>& wanted, const MovedRows* run) {
                           return wanted < std::pair(run->source, run->first_live);
                         });
    VIPER_ASSERT(after != runs_.begin());
    const MovedRows& run = **std::prev(after);
    // Every live row of a source moved somewhere.
    VIPER_ASSERT(run.source == source_index && live < run.first_live + run.count);
    Bitmap& rows = rows_[run.part];
    if (rows.empty()) rows.Resize(result_.parts[run.part]->row_count());
    rows.Set(run.first_row + live - run.first_live);
  }

  const FlushResult& result_;
  /// By source, then by their live rows.
  std::vector<const MovedRows*> runs_;
  std::vector<Bitmap> rows_;
};

std::shared_ptr<const Bitmap> SharedUnlessEmpty(Bitmap rows) {
  if (rows.empty()) return nullptr;
  return std::make_shared<const Bitmap>(std::move(rows));
}

/// The rows that died for a load are dead for readers from now on.
void KeepFile(const FlushSource& source, std::shared_ptr<const DeletionVector> vector,
              PartView& view) {
  view.deletion_vector = std::move(vector);
  Bitmap dead = *source.dead;
  if (view.dead != nullptr) dead |= *view.dead;
  view.dead = std::make_shared<const Bitmap>(std::move(dead));
}

Result<bool> HasLiveRow(std::span<const PartView> parts, std::string_view id) {
  for (const PartView& view : parts) {
    VIPER_ASSIGN_OR_RETURN(const auto row,
                           view.part->FindId(id, storage::HashId(id), view.dead.get()));
    if (row) return true;
  }
  return false;
}

/// Whether a row was ingested after that time; of one that does not say it is not known.
Result<bool> IsNewerThan(const Part& part, uint64_t row, int64_t stamp) {
  VIPER_ASSIGN_OR_RETURN(const auto place, part.PageOfRow(columnar::kIngestedAtColumn, row));
  return place.column->IsPresent(place.index) && place.column->int64s()[place.index] > stamp;
}

/// Whether the row of another writer's file counts, and not one of the same id in an older file.
/// Ours are older, as what we write is written on top of theirs. Theirs may be copies of what is
/// older still, made by a merge or a deletion: then rows tell, and files where rows are as old.
Result<bool> Supersedes(const Part& part, uint64_t row, const Part& older, uint64_t older_row) {
  if (!older.is_foreign()) return true;
  VIPER_ASSIGN_OR_RETURN(const int64_t stamp, part.TimeOf(columnar::kIngestedAtColumn, row));
  VIPER_ASSIGN_OR_RETURN(const int64_t older_stamp,
                         older.TimeOf(columnar::kIngestedAtColumn, older_row));
  return stamp >= older_stamp;
}

template <typename Parts>
auto FindPart(Parts& parts, const Part* part) {
  return std::find_if(parts.begin(), parts.end(),
                      [&](const PartView& view) { return view.part.get() == part; });
}

}  // namespace

FlushPlan CollectionState::PlanRewrite(std::span<const PartView> parts) const {
  FlushPlan plan;
  plan.schema = schema_;
  for (const PartView& chosen : parts) {
    const auto view = FindPart(parts_, chosen.part.get());
    if (view == parts_.end()) continue;
    FlushSource source;
    source.part = view->part;
    source.row_count = view->part->row_count();
    source.deletion_vector = view->deletion_vector;
    source.dead = view->deletion_vector != nullptr ? view->deletion_vector->rows
                                                   : std::make_shared<Bitmap>(source.row_count);
    plan.sources.push_back(std::move(source));
  }
  return plan;
}

bool CollectionState::HoldsSources(const FlushPlan& plan) const {
  return std::all_of(plan.sources.begin(), plan.sources.end(), [&](const FlushSource& source) {
    return FindPart(parts_, source.part.get()) != parts_.end();
  });
}

std::vector<Bitmap> CollectionState::DeadInTableSince(const FlushPlan& plan,
                                                      const FlushResult& result) const {
  CarriedRows carried(result);
  for (size_t i = 0; i < plan.sources.size(); ++i) {
    const auto view = FindPart(parts_, plan.sources[i].part.get());
    VIPER_ASSERT(view != parts_.end());
    if (view->deletion_vector == nullptr) continue;
    carried.Carry(i, plan.sources[i], view->deletion_vector->rows.get());
  }
  return carried.Take();
}

void CollectionState::FinishFlush(const FlushPlan& plan, const FlushResult& result,
                                  int64_t table_version) {
  CarriedRows carried(result);
  for (size_t i = 0; i < plan.sources.size(); ++i) {
    const FlushSource& source = plan.sources[i];
    if (source.keeps_file) continue;
    if (loading_ && source.memtable == loading_->memtable) {
      carried.Carry(i, source, loading_->published.dead.get());
    }
    for (const PartView& part : parts_) {
      if (source.part != nullptr && part.part == source.part)
        carried.Carry(i, source, part.dead.get());
    }
    for (const MemtableState& memtable : memtables_) {
      if (memtable.memtable == source.memtable)
        carried.Carry(i, source, memtable.published.dead.get());
    }
  }
  std::vector<Bitmap> dead = carried.Take();
  MutexLock lock(mutex_);
  for (size_t i = 0; i < plan.sources.size(); ++i) {
    if (plan.sources[i].part == nullptr) continue;
    const auto view = FindPart(parts_, plan.sources[i].part.get());
    VIPER_ASSERT(view != parts_.end());
    if (plan.sources[i].keeps_file) {
      KeepFile(plan.sources[i], result.source_vectors[i], *view);
    } else {
      parts_.erase(view);
    }
  }
  std::erase_if(memtables_, [&](const MemtableState& state) {
    return std::any_of(plan.sources.begin(), plan.sources.end(), [&](const FlushSource& source) {
      return source.memtable == state.memtable;
    });
  });
  for (size_t i = 0; i < result.parts.size(); ++i) {
    parts_.push_back({.part = result.parts[i],
                      .dead = SharedUnlessEmpty(std::move(dead[i])),
                      .deletion_vector = result.part_vectors[i]});
  }
  if (result.schema != nullptr) schema_ = result.schema;
  loading_.reset();
  table_version_ = table_version;
  view_.reset();
}

void CollectionState::SetTableVersion(int64_t table_version) {
  MutexLock lock(mutex_);
  table_version_ = table_version;
  view_.reset();
}

void CollectionState::AbandonFlush() {
  MutexLock lock(mutex_);
  loading_.reset();
}

bool CollectionState::IsInMemory(std::string_view id, uint64_t id_hash) const {
  return std::any_of(memtables_.begin(), memtables_.end(), [&](const MemtableState& state) {
    return state.memtable->FindNewest(id, id_hash, state.memtable->row_count()).has_value();
  });
}

/// Decide which rows of the last of `parts` are alive, and kill older copies of them in the others.
Status CollectionState::AdoptPart(const DeadInMemory& dead_in_memory,
                                  std::vector<PartView>& parts) const {
  const size_t own = parts.size() - 1;
  const Part& added = *parts[own].part;
  Deaths deaths;
  const std::shared_ptr<const Bitmap> not_in_table = parts[own].dead;
  uint64_t row = 0;
  for (size_t page = 0; page < added.reader().PageCount(columnar::kIdColumn); ++page) {
    VIPER_ASSIGN_OR_RETURN(auto ids, added.reader().ReadPage(columnar::kIdColumn, page));
    for (size_t i = 0; i < ids.row_count(); ++i, ++row) {
      if (not_in_table != nullptr && not_in_table->Test(row)) continue;
      const std::string_view id = ids.strings()[i];
      const uint64_t hash = storage::HashId(id);
      VIPER_ASSIGN_OR_RETURN(const auto rows, added.FindRowsOfId(id, hash, not_in_table.get()));
      VIPER_ASSIGN_OR_RETURN(const uint32_t newest, added.NewestOf(rows));
      bool is_alive = newest == row && !IsInMemory(id, hash);
      if (const auto dead = dead_in_memory.find(id); is_alive && dead != dead_in_memory.end()) {
        VIPER_ASSIGN_OR_RETURN(is_alive, IsNewerThan(added, row, dead->second));
      }
      for (size_t other = 0; other < own && is_alive; ++other) {
        PartView& view = parts[other];
        VIPER_ASSIGN_OR_RETURN(const auto found, view.part->FindId(id, hash, view.dead.get()));
        if (!found) continue;
        VIPER_ASSIGN_OR_RETURN(is_alive, Supersedes(added, row, *view.part, *found));
        if (is_alive) deaths.Kill(view.dead, *found, view.part->row_count());
      }
      if (!is_alive) deaths.Kill(parts[own].dead, row, added.row_count());
    }
  }
  deaths.Publish();
  return {};
}

/// Of records that are gone, or have a newer row in a place that stays: the files that take the
/// place of `removed` may have copies of these rows.
Result<CollectionState::DeadInMemory> CollectionState::FindDeadInMemory(
    std::span<const PartView> removed) {
  DeadInMemory found;
  for (const PartView& view : removed) {
    if (view.dead == nullptr) continue;
    for (uint64_t row = 0; row < view.part->row_count(); ++row) {
      // What the table knew to be dead lives elsewhere by now, or nowhere.
      const DeletionVector* known = view.deletion_vector.get();
      if (!view.dead->Test(row) || (known != nullptr && known->rows->Test(row))) continue;
      VIPER_ASSIGN_OR_RETURN(std::string id, view.part->IdOf(row));
      VIPER_ASSIGN_OR_RETURN(const bool is_live, HasLiveRow(removed, id));
      // Where an older row of it died for this one, those that follow on them have its record.
      if (is_live) continue;
      VIPER_ASSIGN_OR_RETURN(const int64_t stamp,
                             view.part->TimeOf(columnar::kIngestedAtColumn, row));
      int64_t& newest = found.try_emplace(std::move(id), stamp).first->second;
      newest = std::max(newest, stamp);
    }
  }
  return found;
}

Status CollectionState::Adopt(const TableChange& change) {
  std::vector<PartView> removed;
  std::vector<PartView> kept;
  for (const PartView& view : parts_) {
    const bool is_removed = std::find(change.removed_paths.begin(), change.removed_paths.end(),
                                      view.part->added().path) != change.removed_paths.end();
    (is_removed ? removed : kept).push_back(view);
    if (!is_removed && change.schema != nullptr) {
      kept.back().part = change.reopened.at(view.part.get());
    }
  }
  VIPER_ASSIGN_OR_RETURN(const DeadInMemory dead_in_memory, FindDeadInMemory(removed));
  for (const PartView& part : change.added) {
    kept.push_back(part);
    VIPER_RETURN_IF_ERROR(AdoptPart(dead_in_memory, kept));
  }
  MutexLock lock(mutex_);
  parts_ = std::move(kept);
  if (change.schema != nullptr) schema_ = change.schema;
  table_version_ = change.table_version;
  view_.reset();
  return {};
}

std::shared_ptr<const CollectionSchema> CollectionState::schema() const {
  MutexLock lock(mutex_);
  return schema_;
}

uint64_t CollectionState::sequence() const {
  MutexLock lock(mutex_);
  return sequence_;
}

size_t CollectionState::memory_bytes() const {
  MutexLock lock(mutex_);
  size_t bytes = 0;
  for (const MemtableState& memtable : memtables_) bytes += memtable.published.memory_bytes;
  return bytes;
}

size_t CollectionState::active_memory_bytes() const {
  MutexLock lock(mutex_);
  return memtables_.back().published.memory_bytes;
}

}  // namespace viper::core
