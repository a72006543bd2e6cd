#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/row.h"
#include "platform/memory_budget.h"
#include "platform/mutex.h"

namespace viper::core {

/// Rows in memory, in arrival order, append-only. A row never moves and never changes once
/// appended; which rows are dead is kept outside (CollectionState), so that snapshots share the
/// rows.
///
/// Thread safety: one appender at a time. Readers may read any row whose number they learnt through
/// a synchronised row count (MemtableView); FindNewest may run beside the appender.
class Memtable {
 public:
  static constexpr uint32_t kNoRow = 0xffffffff;

  /// A fixed number of rows whose floats are contiguous.
  struct Chunk {
    std::unique_ptr<float[]> floats;
    std::unique_ptr<Row[]> rows;
    /// For each row the one before it of the same id in this memtable, or kNoRow.
    std::unique_ptr<uint32_t[]> previous;
  };

  using Chunks = std::vector<std::shared_ptr<Chunk>>;

  /// `charge` follows memory_bytes().
  explicit Memtable(size_t dim, MemoryCharge charge = {});

  /// Append a row, copying its vector. Returns its number.
  uint32_t Append(Row row);
  /// Rows are to be appended for which this was taken already: it is what they are counted by,
  /// until SettleMemory counts what they take.
  void TakeMemory(MemoryCharge& taken) { charge_.TakeOver(taken); }
  void SettleMemory() { charge_.Follow(memory_bytes_); }
  /// The newest row of this id below `row_count`, dead or alive.
  std::optional<uint32_t> FindNewest(std::string_view id, uint64_t id_hash,
                                     uint32_t row_count) const;

  /// Whether a row of the same id was appended before this one.
  bool IsRepeated(uint32_t number) const {
    return chunks_[number / rows_per_chunk_]->previous[number % rows_per_chunk_] != kNoRow;
  }

  uint32_t row_count() const { return row_count_; }
  /// Room left before row numbers run out.
  bool is_full() const { return row_count_ >= kRowsMax; }
  size_t memory_bytes() const { return memory_bytes_; }
  double max_norm() const { return max_norm_; }
  /// Earliest expiry of any row, or kNeverExpires.
  int64_t first_expiry() const { return first_expiry_; }
  size_t dim() const { return dim_; }
  size_t rows_per_chunk() const { return rows_per_chunk_; }
  const Chunks& chunks() const { return chunks_; }
  /// Whether some row may have this top-level metadata key (true when there are too many to know).
  bool MayHaveKey(std::string_view key) const;
  /// The top-level metadata keys of all rows; absent when there are too many to remember.
  std::optional<std::set<std::string, std::less<>>> KnownKeys() const;

  const Row& row(uint32_t number) const {
    return chunks_[number / rows_per_chunk_]->rows[number % rows_per_chunk_];
  }

 private:
  static constexpr uint32_t kRowsMax = 0x7fffffff;

  void AddChunk();
  void GrowIndex() VIPER_REQUIRES(index_mutex_);
  void IndexRow(uint32_t number);

  // Constant.
  const size_t dim_;
  const size_t rows_per_chunk_;
  // Written by the appender only; readers see copies taken under the collection's state lock.
  Chunks chunks_;
  uint32_t row_count_ = 0;
  size_t memory_bytes_ = 0;
  MemoryCharge charge_;
  double max_norm_ = 0;
  int64_t first_expiry_ = kNeverExpires;
  // The newest row of each id: open addressing by id_hash, kNoRow = free, at most half full.
  mutable Mutex index_mutex_;
  std::vector<uint32_t> slots_ VIPER_GUARDED_BY(index_mutex_);
  uint32_t indexed_ids_ VIPER_GUARDED_BY(index_mutex_) = 0;
  std::set<std::string, std::less<>> known_keys_ VIPER_GUARDED_BY(index_mutex_);
};

}  // namespace viper::core
