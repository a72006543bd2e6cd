#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/row.h"
#include "viper/record_source.h"
#include "viper/schema.h"

namespace viper::core {

/// What one record of the log does. Persistent: never renumber.
enum class WriteKind : uint8_t { kUpsert = 1, kDelete = 2 };

/// One atomic write: rows to put in place of those of equal id, or ids to delete. Ids are unique.
struct WriteBatch {
  WriteKind kind = WriteKind::kUpsert;
  std::vector<Row> rows;
  std::vector<std::string> deleted_ids;
  /// Rows of the caller's batch that a later row of the same id replaced.
  uint64_t duplicates = 0;
  /// For each row or deleted id the version (Record::version) that it must be written over, 0 for
  /// none; empty: whatever there is. Not in the log.
  std::vector<int64_t> if_versions;
  /// By which the rows were checked; null: whatever holds when they are written.
  std::shared_ptr<const CollectionSchema> schema = nullptr;

  size_t size() const { return kind == WriteKind::kDelete ? deleted_ids.size() : rows.size(); }
  const std::string& id(size_t i) const {
    return kind == WriteKind::kDelete ? deleted_ids[i] : rows[i].id;
  }
};

/// What to do with metadata that do not fit the declared fields.
enum class Misfits : uint8_t {
  /// Keep the value in the payload, as it was there before the field was declared.
  kPark,
  /// Refuse a value that does not fit its field.
  kRefuse,
  /// The same, and keys that no field is declared for (UndeclaredKeys::kRefuse).
  kRefuseUndeclared,
};

/// What a write gives its rows, in microseconds, and what it asks of them.
struct WriteRules {
  /// Of records that name one (Record::collection_id).
  std::string_view collection = {};
  int64_t now = 0;
  /// `_ingested_at` of the rows, which no other write has (write_stamps.h).
  int64_t stamp = 0;
  /// Expiry of rows that come without one of their own.
  int64_t default_expiry = kNeverExpires;
  Misfits misfits = Misfits::kRefuse;
  /// Keep all rows of equal ids, not only the last.
  bool keeps_duplicates = false;
};

/// Check records and turn them into rows: declared fields converted, times filled in, of equal ids
/// only the last kept. Vectors stay the caller's, sparse ones are still to be spread out.
/// InvalidArgument names the record's index, its id and what is wrong.
Result<WriteBatch> PrepareUpsert(std::span<const Record> records, const CollectionSchema& schema,
                                 const WriteRules& rules);
/// The same for rows [first, first + count) of a batch, whose metadata are moved out.
Result<WriteBatch> PrepareUpsert(RecordBatch& batch, size_t first, size_t count,
                                 const CollectionSchema& schema, const WriteRules& rules);
/// Make the vectors of rows that have a sparse one: of as many rows together as are written
/// together, since they take memory.
Status SpreadVectors(WriteBatch& batch, size_t dim);
/// Check a batch again if its rows were checked by another schema. True if it was.
Result<bool> CheckAgain(WriteBatch& batch, const std::shared_ptr<const CollectionSchema>& schema);
Result<WriteBatch> PrepareDelete(std::span<const std::string> ids);

/// OK, or InvalidArgument saying what is wrong with an id.
Status CheckId(std::string_view id);
/// Convert the declared fields in place, check the rest, and return the bytes of it all.
/// InvalidArgument names the key.
Result<size_t> NormalizeMetadata(Metadata& metadata, const CollectionSchema& schema,
                                 Misfits misfits);
/// The key belongs to the engine: no metadata may have it.
bool IsSystemName(std::string_view key);

/// OK if the batch's lists have fitting lengths.
Status CheckShape(const RecordBatch& batch, const CollectionSchema& schema);

/// The batch as a log record's payload, and back. docs/format/wal.md has the bytes. The decoded
/// rows' vectors point into `payload`. The record may be older than the schema: what does not fit
/// it is parked. Corruption names what is malformed.
std::vector<std::byte> EncodeWriteBatch(const WriteBatch& batch, size_t dim);
Result<WriteBatch> DecodeWriteBatch(WriteKind kind, std::span<const std::byte> payload,
                                    const CollectionSchema& schema);

/// About how many bytes a row takes in the log.
size_t EncodedRowBytes(const Row& row, size_t dim);

}  // namespace viper::core
