#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bitmap.h"
#include "columnar/predicate.h"
#include "core/memtable.h"
#include "core/part.h"
#include "core/row.h"
#include "storage/deletion_vector.h"
#include "viper/schema.h"

namespace viper::core {

/// The rows of a part that the table says are dead.
struct DeletionVector {
  storage::DeletionVectorDescriptor descriptor;
  std::shared_ptr<const Bitmap> rows;
};

/// A part as one snapshot sees it.
struct PartView {
  std::shared_ptr<const Part> part;
  /// Rows overwritten or deleted since the file was written; null = none.
  std::shared_ptr<const Bitmap> dead = nullptr;
  /// Those of them that are no longer in the table; null = none.
  std::shared_ptr<const DeletionVector> deletion_vector = nullptr;
};

/// A memtable as one snapshot sees it: its first `row_count` rows.
struct MemtableView {
  std::shared_ptr<const Memtable> memtable;
  std::shared_ptr<const Memtable::Chunks> chunks;
  uint32_t row_count = 0;
  double max_norm = 0;
  /// Earliest expiry of its rows, or kNeverExpires.
  int64_t first_expiry = kNeverExpires;
  size_t memory_bytes = 0;
  /// May be shorter than row_count: rows past its end are alive. Null = none dead.
  std::shared_ptr<const Bitmap> dead;

  bool IsDead(uint32_t row) const {
    return dead != nullptr && row < dead->size() && dead->Test(row);
  }
  const Row& row(uint32_t number) const {
    const size_t per_chunk = memtable->rows_per_chunk();
    return (*chunks)[number / per_chunk]->rows[number % per_chunk];
  }
};

/// Where a record is: a row of one of the view's parts or memtables.
struct Location {
  /// Index into parts, or parts.size() + index into memtables.
  size_t source = 0;
  uint64_t row = 0;
};

/// One consistent state of a collection, immutable. Every id is alive in at most one place.
struct ReadView {
  std::shared_ptr<const CollectionSchema> schema;
  std::vector<PartView> parts;
  /// Oldest first.
  std::vector<MemtableView> memtables;
  int64_t table_version = 0;
  uint64_t sequence = 0;

  size_t source_count() const { return parts.size() + memtables.size(); }
  /// Physical rows of a source.
  uint64_t source_rows(size_t source) const;
  bool is_part(size_t source) const { return source < parts.size(); }
  const MemtableView& memtable_of(size_t source) const { return memtables[source - parts.size()]; }

  /// The live (not overwritten, deleted or expired at `now`) row of an id.
  Result<std::optional<Location>> Find(std::string_view id, int64_t now) const;
  /// When the row expires.
  Result<int64_t> ExpiryOf(const Location& location) const;
  Result<std::string> IdOf(const Location& location) const;
  /// The ids of several rows: their memory, which is all over the collection, is fetched together.
  Result<std::vector<std::string>> IdsOf(std::span<const Location> locations) const;
  Result<HeldFloats> FloatsOf(const Location& location) const;
};

/// Resolve the names of a filter against the declared fields and the metadata keys in use.
Result<columnar::Predicate> BindFilter(const ReadView& view, const Filter& filter);

}  // namespace viper::core
