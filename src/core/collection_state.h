#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bitmap.h"
#include "core/memtable.h"
#include "core/part.h"
#include "core/read_view.h"
#include "core/write_batch.h"
#include "platform/memory_budget.h"
#include "platform/mutex.h"
#include "viper/schema.h"

namespace viper::core {

/// Rows that a flush takes from one place: the live rows of a part or a memtable.
struct FlushSource {
  /// One of the two.
  std::shared_ptr<const Part> part;
  std::shared_ptr<const Memtable> memtable;
  uint64_t row_count = 0;
  /// Dead rows when the flush began (they are left out); never null, `row_count` bits.
  std::shared_ptr<const Bitmap> dead;
  /// Of a part: the one that it has in the table; null = none.
  std::shared_ptr<const DeletionVector> deletion_vector = nullptr;
  /// Of a part: it stays as it is, and its dead rows become its deletion vector.
  bool keeps_file = false;

  uint64_t live_count() const { return row_count - dead->CountSet(); }
  /// Of a part: whether rows are dead that the table does not know of.
  bool has_news() const {
    const uint64_t known = deletion_vector == nullptr ? 0 : deletion_vector->rows->CountSet();
    return dead->CountSet() > known;
  }
};

/// What a flush has to write, and up to where it covers the log.
struct FlushPlan {
  uint64_t through_sequence = 0;
  /// By which its parts are open, and by which their rows are to be written.
  std::shared_ptr<const CollectionSchema> schema;
  /// In the order of age: parts that have dead rows, then memtables.
  std::vector<FlushSource> sources;
};

/// Where a run of a source's live rows went: live rows [first_live, first_live + count) of source
/// `source` are rows [first_row, ...) of new part `part`.
struct MovedRows {
  size_t source = 0;
  uint64_t first_live = 0;
  uint64_t count = 0;
  size_t part = 0;
  uint64_t first_row = 0;
};

/// What was put on disk for a plan.
struct FlushResult {
  std::vector<std::shared_ptr<const Part>> parts;
  std::vector<MovedRows> moved;
  /// For each new part its deletion vector, null for none.
  std::vector<std::shared_ptr<const DeletionVector>> part_vectors;
  /// For each source of the plan its new deletion vector, null for those that do not keep their
  /// file.
  std::vector<std::shared_ptr<const DeletionVector>> source_vectors;
  /// The new schema, by which the new parts are open, if all parts are replaced; null: it stays.
  std::shared_ptr<const CollectionSchema> schema = nullptr;
};

/// What a commit does to the rows that is not a flush or a compaction of ours.
struct TableChange {
  int64_t table_version = 0;
  /// Oldest first.
  std::vector<PartView> added = {};
  std::vector<std::string> removed_paths = {};
  /// Null: it stays.
  std::shared_ptr<const CollectionSchema> schema = nullptr;
  /// For a new schema: all parts that are not removed, open by it.
  std::map<const Part*, std::shared_ptr<const Part>> reopened = {};
};

/// The rows of a collection in memory: which parts, which memtables, which of their rows are dead.
///
/// Invariant: every id is alive in at most one place. Bitmaps and the list of parts are replaced,
/// never changed, once a view may hold them.
///
/// Threads: View and counts may be called by anybody. All other methods are for one thread at a
/// time, the holder of the collection's apply lock (Collection::Impl).
class CollectionState {
 public:
  /// Memtables are counted in `memory`, which may be null.
  CollectionState(std::shared_ptr<const CollectionSchema> schema, std::vector<PartView> parts,
                  int64_t table_version, uint64_t sequence,
                  std::shared_ptr<MemoryBudget> memory = nullptr);

  /// The state of now. Cheap; shared between writes.
  std::shared_ptr<const ReadView> View() const;

  /// For each row (or deleted id) of a batch: the live row of a part that it replaces.
  struct Replaced {
    size_t part = 0;
    uint32_t row = 0;
  };
  using Resolution = std::vector<std::optional<Replaced>>;
  /// Look up the ids of a batch in the parts. Fails only if ids cannot be read.
  Result<Resolution> Resolve(const WriteBatch& batch) const;

  /// Whether an id has a live row, given its resolution.
  Result<bool> IsLive(std::string_view id, uint64_t id_hash, const std::optional<Replaced>& in_part,
                      int64_t now) const;

  /// Whether it has a row, alive or expired.
  bool HasRow(std::string_view id, uint64_t id_hash, const std::optional<Replaced>& in_part) const;
  /// The earliest expiry of all rows, or kNeverExpires.
  int64_t FirstExpiry() const;

  /// Whether the load that is being committed has a row of this id, which no write has replaced
  /// yet.
  bool IsBeingLoaded(std::string_view id, uint64_t id_hash) const;

  /// A batch with its resolution and its number in the log.
  struct ResolvedBatch {
    WriteBatch* batch = nullptr;
    Resolution resolution;
    uint64_t sequence = 0;
    /// Taken for the rows; null: nothing was.
    MemoryCharge* memory = nullptr;
    /// Set by Apply: rows that existed before (live, or expired and not yet removed).
    uint64_t replaced_rows = 0;
  };
  /// Make the batches visible, all at once, in order. Cannot fail.
  void Apply(std::span<ResolvedBatch> batches);

  /// Close the active memtable and list what a flush has to write: all memtables, and the parts
  /// that have dead rows.
  FlushPlan BeginFlush();
  /// The same with a memtable to load on top: rows of its ids elsewhere count as dead in the plan
  /// (but stay alive for readers until FinishFlush), and it is the last source. Until the flush
  /// ends, writes also apply to it.
  Result<FlushPlan> BeginLoad(std::shared_ptr<Memtable> loaded);
  /// Put the new parts in place of the plan's sources; those that keep their file get their new
  /// deletion vector. Rows that died since the plan was made are carried over.
  void FinishFlush(const FlushPlan& plan, const FlushResult& result, int64_t table_version);
  /// A plan to write some parts anew, without the rows that the table knows to be dead. No flush
  /// begins or ends by it.
  FlushPlan PlanRewrite(std::span<const PartView> parts) const;
  /// Whether all sources of such a plan are parts still.
  bool HoldsSources(const FlushPlan& plan) const;
  /// For each new part of such a plan the rows that the table has come to know to be dead since;
  /// empty for none.
  std::vector<Bitmap> DeadInTableSince(const FlushPlan& plan, const FlushResult& result) const;

  /// A commit changed nothing of the rows.
  void SetTableVersion(int64_t table_version);

  /// Give a failed flush up: its memtables stay and are part of the next plan.
  void AbandonFlush();

  /// Take in what another writer committed, or another schema. Rows that were dead here and moved
  /// to new parts die again; an id that is in memory, or twice, stays alive only in its newest
  /// place.
  Status Adopt(const TableChange& change);

  /// By which all parts are open.
  std::shared_ptr<const CollectionSchema> schema() const;
  uint64_t sequence() const;
  /// Bytes of all memtables, and of the active one.
  size_t memory_bytes() const;
  size_t active_memory_bytes() const;

 private:
  struct MemtableState {
    std::shared_ptr<Memtable> memtable;
    /// What readers see of it.
    MemtableView published;
  };
  /// Rows about to be set dead: working copies of bitmaps, each copied once.
  class Deaths;

  void AddMemtable();
  static void Publish(MemtableState& state);
  bool KillReplaced(std::string_view id, uint64_t id_hash, const std::optional<Replaced>& in_part,
                    Deaths& deaths);
  void ApplyBatch(ResolvedBatch& resolved, Deaths& deaths);
  FlushPlan MakePlan() const;
  Status KillLoadedIds(const Memtable& loaded, FlushPlan& plan) const;
  /// Rows that are dead though the table does not know: by id the time of the newest.
  using DeadInMemory = std::map<std::string, int64_t, std::less<>>;
  static Result<DeadInMemory> FindDeadInMemory(std::span<const PartView> removed);
  bool IsInMemory(std::string_view id, uint64_t id_hash) const;
  Status AdoptPart(const DeadInMemory& dead_in_memory, std::vector<PartView>& parts) const;

  // Constant.
  const std::shared_ptr<MemoryBudget> memory_;

  // Written by the holder of the apply lock, under mutex_ as well: it may read them without mutex_,
  // everybody else with.
  mutable Mutex mutex_;
  std::shared_ptr<const CollectionSchema> schema_;
  std::vector<PartView> parts_;
  std::vector<MemtableState> memtables_;  // the last is active
  std::optional<MemtableState> loading_;
  uint64_t sequence_ = 0;
  int64_t table_version_ = 0;
  // Null: make it anew.
  mutable std::shared_ptr<const ReadView> view_ VIPER_GUARDED_BY(mutex_);
};

}  // namespace viper::core
