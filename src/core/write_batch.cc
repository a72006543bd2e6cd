#include "core/write_batch.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <optional>
#include <unordered_map>
#include <utility>

#include <fmt/core.h>

#include "base/coding.h"
#include "base/finite.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "columnar/field_conversion.h"
#include "columnar/filter_message.h"
#include "columnar/nearest_name.h"
#include "columnar/predicate.h"
#include "storage/part_sidecar.h"

namespace viper::core {
namespace {

using columnar::ConvertToField;

/// What a log record says of each row beside its parts.
enum RowFlags : uint8_t { kHasExpiry = 1 };

}  // namespace

Status CheckId(std::string_view id) {
  if (id.empty()) return Status::InvalidArgument("the id is empty");
  if (id.size() > kIdBytesMax) {
    return Status::InvalidArgument(fmt::format("the id '{}...' is too long: bytes={} allowed={}",
                                               id.substr(0, 32), id.size(), kIdBytesMax));
  }
  if (!IsValidUtf8(id)) return Status::InvalidArgument("the id is not UTF-8");
  return {};
}

bool IsSystemName(std::string_view key) {
  return key == columnar::kIdColumn || key == columnar::kTimestampColumn ||
         key == columnar::kIngestedAtColumn || key == columnar::kExpiresAtColumn ||
         key == columnar::kPayloadColumn || key == columnar::kVectorColumn ||
         key == columnar::kSparseColumn;
}

namespace {

Status CheckVector(std::span<const float> vector, size_t dim) {
  if (vector.size() != dim) {
    return Status::InvalidArgument(
        fmt::format("the vector's dimension is not the collection's: expected={} actual={}", dim,
                    vector.size()));
  }
  const auto bad = FindNotFinite(vector);
  if (!bad) return {};
  return Status::InvalidArgument(
      fmt::format("component {} of the vector is not finite: {}", *bad, vector[*bad]));
}

/// Check an undeclared value and add up its bytes as JSON (roughly).
Status MeasureValue(const Value& value, size_t depth, size_t& bytes) {
  if (depth > kJsonDepthMax) {
    return Status::InvalidArgument(
        fmt::format("values lie more than {} deep inside each other", kJsonDepthMax));
  }
  bytes += 8;
  if (const double* number = value.as_float64(); number != nullptr && !std::isfinite(*number)) {
    return Status::InvalidArgument(fmt::format("the number {} cannot be stored as JSON", *number));
  }
  if (value.as_timestamp() != nullptr) {
    return Status::InvalidArgument(
        "a timestamp can only be stored under a declared field of type timestamp");
  }
  if (const std::string* text = value.as_string()) {
    bytes += text->size();
    if (!IsValidUtf8(*text)) return Status::InvalidArgument("a string is not UTF-8");
  }
  if (const Value::List* list = value.as_list()) {
    for (const Value& element : *list) {
      VIPER_RETURN_IF_ERROR(MeasureValue(element, depth + 1, bytes));
    }
  }
  if (const Value::Object* object = value.as_object()) {
    for (const auto& [key, member] : *object) {
      bytes += key.size();
      if (!IsValidUtf8(key)) return Status::InvalidArgument("a key is not UTF-8");
      VIPER_RETURN_IF_ERROR(MeasureValue(member, depth + 1, bytes));
    }
  }
  return {};
}

Status Undeclared(const std::string& key, const CollectionSchema& schema) {
  std::vector<std::string> names;
  for (const Field& field : schema.fields) names.push_back(field.name);
  std::string message = fmt::format(
      "no field is declared for the metadata key '{}', and the collection refuses such keys",
      columnar::Shortened(key));
  if (const auto nearest = columnar::NearestName(key, names)) {
    message += fmt::format("; did you mean '{}'?", *nearest);
  }
  return Status::InvalidArgument(std::move(message));
}

size_t DeclaredBytes(const Value& value) {
  if (const std::string* text = value.as_string()) return 8 + text->size();
  size_t bytes = 8;
  if (const Value::List* list = value.as_list()) {
    for (const Value& element : *list) bytes += DeclaredBytes(element);
  }
  return bytes;
}

}  // namespace

Result<size_t> NormalizeMetadata(Metadata& metadata, const CollectionSchema& schema,
                                 Misfits misfits) {
  size_t bytes = 0;
  for (auto& [key, value] : metadata) {
    bytes += key.size();
    if (const Field* field = schema.FindField(key)) {
      auto converted = ConvertToField(*field, value);
      if (!converted.ok() && misfits != Misfits::kPark) return converted.status();
      if (converted.ok()) {
        value = std::move(*converted);
        bytes += DeclaredBytes(value);
        continue;
      }
    }
    if (IsSystemName(key)) {
      return Status::InvalidArgument(fmt::format("the metadata key '{}' is reserved", key));
    }
    if (misfits == Misfits::kRefuseUndeclared && schema.FindField(key) == nullptr) {
      return Undeclared(key, schema);
    }
    if (!IsValidUtf8(key)) return Status::InvalidArgument("a metadata key is not UTF-8");
    Status measured = MeasureValue(value, 2, bytes);
    if (!measured.ok()) return measured.WithContext(fmt::format("metadata key '{}'", key));
  }
  if (bytes > kMetadataBytesMax) {
    return Status::InvalidArgument(
        fmt::format("the metadata are too large: bytes={} allowed={}", bytes, kMetadataBytesMax));
  }
  return bytes;
}

namespace {

/// One record on its way to becoming a row.
struct Candidate {
  std::string_view id;
  std::span<const float> vector;
  Metadata metadata;
  std::optional<Timestamp> timestamp;
  std::optional<Timestamp> expires_at;
  /// In place of the vector, if not null.
  const SparseVector* sparse = nullptr;
};

Result<Row> MakeRow(Candidate candidate, const CollectionSchema& schema, const WriteRules& rules) {
  VIPER_RETURN_IF_ERROR(CheckId(candidate.id));
  VIPER_RETURN_IF_ERROR(candidate.sparse != nullptr ? candidate.sparse->Validate(schema.dim)
                                                    : CheckVector(candidate.vector, schema.dim));
  Row row;
  VIPER_ASSIGN_OR_RETURN(row.metadata_bytes,
                         NormalizeMetadata(candidate.metadata, schema, rules.misfits));
  row.id = std::string(candidate.id);
  row.id_hash = storage::HashId(candidate.id);
  row.metadata = std::move(candidate.metadata);
  row.ingested_at = rules.stamp;
  row.timestamp = candidate.timestamp ? candidate.timestamp->micros : rules.now;
  row.expires_at = candidate.expires_at ? candidate.expires_at->micros : rules.default_expiry;
  row.vector = reinterpret_cast<const std::byte*>(candidate.vector.data());
  row.sparse = candidate.sparse;
  return row;
}

Result<Row> MakeRowOfRecord(const Record& record, const CollectionSchema& schema,
                            const WriteRules& rules) {
  if (!record.collection_id.empty() && record.collection_id != rules.collection) {
    return Status::InvalidArgument(
        fmt::format("the record is meant for another collection: expected='{}' actual='{}'",
                    rules.collection, record.collection_id));
  }
  if (record.sparse_vector && !record.vector.empty()) {
    return Status::InvalidArgument(
        fmt::format("the vector is given twice, dense and sparse: components={} indices={}",
                    record.vector.size(), record.sparse_vector->indices.size()));
  }
  return MakeRow({record.id, record.vector, record.metadata, record.timestamp, record.expires_at,
                  record.sparse_vector ? &*record.sparse_vector : nullptr},
                 schema, rules);
}

/// Of equal ids keep the last, in its place.
void DropDuplicates(WriteBatch& batch) {
  std::unordered_map<std::string_view, size_t, StringHash, std::equal_to<>> last;
  last.reserve(batch.rows.size());
  bool any = false;
  for (size_t i = 0; i < batch.rows.size(); ++i) {
    any |= !last.insert_or_assign(batch.rows[i].id, i).second;
  }
  if (!any) return;
  std::vector<bool> keep(batch.rows.size());
  for (const auto& [id, i] : last) keep[i] = true;
  std::vector<Row> kept;
  kept.reserve(last.size());
  for (size_t i = 0; i < batch.rows.size(); ++i) {
    if (keep[i]) kept.push_back(std::move(batch.rows[i]));
  }
  batch.duplicates = batch.rows.size() - kept.size();
  batch.rows = std::move(kept);
}

Status AtRecord(const Status& status, size_t index, std::string_view id) {
  const std::string_view shown = IsValidUtf8(id) ? id.substr(0, 64) : "(not UTF-8)";
  return status.WithContext(fmt::format("record {} (id '{}')", index, shown));
}

}  // namespace

Result<WriteBatch> PrepareUpsert(std::span<const Record> records, const CollectionSchema& schema,
                                 const WriteRules& rules) {
  WriteBatch batch;
  batch.rows.reserve(records.size());
  for (size_t i = 0; i < records.size(); ++i) {
    const Record& record = records[i];
    auto row = MakeRowOfRecord(record, schema, rules);
    if (!row.ok()) return AtRecord(row.status(), i, record.id);
    batch.rows.push_back(std::move(*row));
  }
  if (!rules.keeps_duplicates) DropDuplicates(batch);
  return batch;
}

Status SpreadVectors(WriteBatch& batch, size_t dim) {
  for (Row& row : batch.rows) {
    if (row.sparse == nullptr) continue;
    VIPER_ASSIGN_OR_RETURN(auto dense, row.sparse->ToDense(dim));
    const auto kept = std::make_shared<const std::vector<float>>(std::move(dense));
    row.vector = reinterpret_cast<const std::byte*>(kept->data());
    row.vector_holder = kept;
    row.sparse = nullptr;
  }
  return {};
}

Result<bool> CheckAgain(WriteBatch& batch, const std::shared_ptr<const CollectionSchema>& schema) {
  if (batch.schema == nullptr || batch.schema == schema) return false;
  for (size_t i = 0; i < batch.rows.size(); ++i) {
    auto bytes = NormalizeMetadata(batch.rows[i].metadata, *schema, Misfits::kRefuse);
    if (!bytes.ok()) return AtRecord(bytes.status(), i, batch.rows[i].id);
    batch.rows[i].metadata_bytes = *bytes;
  }
  batch.schema = schema;
  return true;
}

Status CheckShape(const RecordBatch& batch, const CollectionSchema& schema) {
  const size_t rows = batch.row_count();
  if (batch.vectors.size() != rows * schema.dim) {
    return Status::InvalidArgument(
        fmt::format("the batch has {} floats for {} ids of dimension {}: expected={}",
                    batch.vectors.size(), rows, schema.dim, rows * schema.dim));
  }
  const auto fits = [rows](size_t size) { return size == 0 || size == rows; };
  if (!fits(batch.metadata.size()) || !fits(batch.timestamps.size()) ||
      !fits(batch.expirations.size())) {
    return Status::InvalidArgument(fmt::format(
        "the batch's lists differ in length: ids={} metadata={} timestamps={} expirations={}", rows,
        batch.metadata.size(), batch.timestamps.size(), batch.expirations.size()));
  }
  return {};
}

Result<WriteBatch> PrepareUpsert(RecordBatch& batch, size_t first, size_t count,
                                 const CollectionSchema& schema, const WriteRules& rules) {
  WriteBatch prepared;
  prepared.rows.reserve(count);
  for (size_t i = first; i < first + count; ++i) {
    Candidate candidate;
    candidate.id = batch.ids[i];
    candidate.vector = std::span(batch.vectors).subspan(i * schema.dim, schema.dim);
    if (!batch.metadata.empty()) candidate.metadata = std::move(batch.metadata[i]);
    if (!batch.timestamps.empty()) candidate.timestamp = batch.timestamps[i];
    if (!batch.expirations.empty()) candidate.expires_at = batch.expirations[i];
    auto row = MakeRow(std::move(candidate), schema, rules);
    if (!row.ok()) return AtRecord(row.status(), i, batch.ids[i]);
    prepared.rows.push_back(std::move(*row));
  }
  if (!rules.keeps_duplicates) DropDuplicates(prepared);
  return prepared;
}

Result<WriteBatch> PrepareDelete(std::span<const std::string> ids) {
  WriteBatch batch;
  batch.kind = WriteKind::kDelete;
  batch.deleted_ids.assign(ids.begin(), ids.end());
  for (size_t i = 0; i < ids.size(); ++i) {
    Status checked = CheckId(ids[i]);
    if (!checked.ok()) return checked.WithContext(fmt::format("delete: id {}", i));
  }
  std::sort(batch.deleted_ids.begin(), batch.deleted_ids.end());
  const auto unique_end = std::unique(batch.deleted_ids.begin(), batch.deleted_ids.end());
  batch.duplicates = static_cast<uint64_t>(batch.deleted_ids.end() - unique_end);
  batch.deleted_ids.erase(unique_end, batch.deleted_ids.end());
  return batch;
}

std::vector<std::byte> EncodeWriteBatch(const WriteBatch& batch, size_t dim) {
  std::vector<std::byte> bytes;
  ByteWriter writer(bytes);
  if (batch.kind == WriteKind::kDelete) {
    writer.PutVarint(batch.deleted_ids.size());
    for (const std::string& id : batch.deleted_ids) writer.PutString(id);
    return bytes;
  }
  bytes.reserve(batch.rows.size() * (dim * sizeof(float) + 64));
  writer.PutVarint(batch.rows.size());
  for (const Row& row : batch.rows) {
    writer.PutString(row.id);
    writer.PutU8(row.expires_at == kNeverExpires ? 0 : kHasExpiry);
    writer.PutFixed64(std::bit_cast<uint64_t>(row.timestamp));
    writer.PutFixed64(std::bit_cast<uint64_t>(row.ingested_at));
    if (row.expires_at != kNeverExpires) writer.PutFixed64(std::bit_cast<uint64_t>(row.expires_at));
    writer.PutString(row.metadata.empty() ? std::string() : Value(row.metadata).ToJson());
    writer.PutBytes({row.vector, dim * sizeof(float)});
  }
  return bytes;
}

namespace {

std::optional<Row> DecodeRow(ByteReader& reader, size_t dim, std::string_view& metadata_json) {
  Row row;
  const auto id = reader.ReadString();
  const auto flags = reader.ReadU8();
  const auto timestamp = reader.ReadFixed64();
  const auto ingested_at = reader.ReadFixed64();
  if (!id || !flags || !timestamp || !ingested_at) return std::nullopt;
  if ((*flags & kHasExpiry) != 0) {
    const auto expires_at = reader.ReadFixed64();
    if (!expires_at) return std::nullopt;
    row.expires_at = std::bit_cast<int64_t>(*expires_at);
  }
  const auto json = reader.ReadString();
  const auto vector = reader.ReadBytes(dim * sizeof(float));
  if (!json || !vector) return std::nullopt;
  row.id = std::string(*id);
  row.id_hash = storage::HashId(*id);
  row.timestamp = std::bit_cast<int64_t>(*timestamp);
  row.ingested_at = std::bit_cast<int64_t>(*ingested_at);
  row.vector = vector->data();
  metadata_json = *json;
  return row;
}

Status DecodeMetadata(std::string_view json, const CollectionSchema& schema, Row& row) {
  if (json.empty()) return {};
  VIPER_ASSIGN_OR_RETURN(Value document, Value::FromJson(json));
  if (document.as_object() == nullptr) {
    return Status::Corruption("log record: the metadata are not a JSON object");
  }
  row.metadata = std::move(*document.as_object());
  VIPER_ASSIGN_OR_RETURN(row.metadata_bytes,
                         NormalizeMetadata(row.metadata, schema, Misfits::kPark));
  return {};
}

}  // namespace

Result<WriteBatch> DecodeWriteBatch(WriteKind kind, std::span<const std::byte> payload,
                                    const CollectionSchema& schema) {
  WriteBatch batch;
  batch.kind = kind;
  ByteReader reader(payload);
  const auto count = reader.ReadVarint();
  bool well_formed = count.has_value() && *count <= payload.size();
  for (uint64_t i = 0; well_formed && i < *count; ++i) {
    if (kind == WriteKind::kDelete) {
      const auto id = reader.ReadString();
      well_formed = id.has_value();
      if (well_formed) batch.deleted_ids.emplace_back(*id);
      continue;
    }
    std::string_view metadata_json;
    auto row = DecodeRow(reader, schema.dim, metadata_json);
    well_formed = row.has_value();
    if (!well_formed) break;
    VIPER_RETURN_IF_ERROR(DecodeMetadata(metadata_json, schema, *row));
    batch.rows.push_back(std::move(*row));
  }
  if (!well_formed || !reader.done()) {
    return Status::Corruption(
        fmt::format("log record: malformed at byte {} of {}", reader.position(), payload.size()));
  }
  return batch;
}

size_t EncodedRowBytes(const Row& row, size_t dim) {
  return row.id.size() + dim * sizeof(float) + row.metadata_bytes + 64;
}

}  // namespace viper::core
