#include "core/row_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "core/metadata_split.h"
#include "storage/part_sidecar.h"

namespace viper::core {
namespace {

using columnar::kExpiresAtColumn;
using columnar::kIngestedAtColumn;
using columnar::kPayloadColumn;
using columnar::kTimestampColumn;

bool IsWanted(const Projection& projection, std::string_view key) {
  return projection.fields.empty() || std::find(projection.fields.begin(), projection.fields.end(),
                                                key) != projection.fields.end();
}

/// Whether the payload may have a key that is wanted.
bool WantsPayload(const Part& part, const Projection& projection) {
  return projection.fields.empty() ||
         std::any_of(projection.fields.begin(), projection.fields.end(),
                     [&](const std::string& key) { return part.MayHaveKey(key); });
}

Status ReadPayload(const Part& part, uint64_t row, const Projection& projection,
                   Metadata& metadata) {
  VIPER_ASSIGN_OR_RETURN(auto place, part.PageOfRow(kPayloadColumn, row));
  if (!place.column->IsPresent(place.index)) return {};
  VIPER_ASSIGN_OR_RETURN(Value::Object object,
                         part.PayloadObject(place.column->strings()[place.index], row));
  for (auto& [key, value] : object) {
    if (IsWanted(projection, key)) metadata[key] = std::move(value);
  }
  return {};
}

Result<Metadata> ReadPartMetadata(const ReadView& view, const Part& part, uint64_t row,
                                  const Projection& projection) {
  Metadata metadata;
  // The payload comes first: it also holds the explicit nulls of declared fields, and what was
  // written before they were declared.
  if (WantsPayload(part, projection)) {
    VIPER_RETURN_IF_ERROR(ReadPayload(part, row, projection, metadata));
  }
  if (part.BackFillsAny()) ConvertDeclared(metadata, view.schema->fields);
  for (const Field& field : view.schema->fields) {
    if (!IsWanted(projection, field.name) || !part.HasColumn(field.name)) continue;
    VIPER_ASSIGN_OR_RETURN(auto place, part.PageOfRow(field.name, row));
    if (place.column->IsPresent(place.index)) {
      metadata[field.name] = place.column->ValueAt(place.index);
    }
  }
  return metadata;
}

Result<Record> ReadPartRecord(const ReadView& view, const Location& location,
                              const Projection& projection) {
  const Part& part = *view.parts[location.source].part;
  Record record;
  VIPER_ASSIGN_OR_RETURN(record.id, part.IdOf(location.row));
  VIPER_ASSIGN_OR_RETURN(auto timestamp, part.PageOfRow(kTimestampColumn, location.row));
  if (timestamp.column->IsPresent(timestamp.index)) {
    record.timestamp = Timestamp{timestamp.column->int64s()[timestamp.index]};
  }
  VIPER_ASSIGN_OR_RETURN(int64_t expires_at, view.ExpiryOf(location));
  if (expires_at != kNeverExpires) record.expires_at = Timestamp{expires_at};
  if (projection.version) {
    VIPER_ASSIGN_OR_RETURN(record.version, part.TimeOf(kIngestedAtColumn, location.row));
  }
  if (projection.metadata) {
    VIPER_ASSIGN_OR_RETURN(record.metadata, ReadPartMetadata(view, part, location.row, projection));
  }
  return record;
}

Result<Row> ReadPartRow(const ReadView& view, const Location& location) {
  const Part& part = *view.parts[location.source].part;
  Row row;
  VIPER_ASSIGN_OR_RETURN(row.id, part.IdOf(location.row));
  row.id_hash = storage::HashId(row.id);
  VIPER_ASSIGN_OR_RETURN(row.metadata, ReadPartMetadata(view, part, location.row, {}));
  VIPER_ASSIGN_OR_RETURN(row.timestamp, part.TimeOf(kTimestampColumn, location.row));
  VIPER_ASSIGN_OR_RETURN(row.ingested_at, part.TimeOf(kIngestedAtColumn, location.row));
  VIPER_ASSIGN_OR_RETURN(row.expires_at, view.ExpiryOf(location));
  VIPER_ASSIGN_OR_RETURN(HeldFloats held, part.FloatsToKeep(location.row));
  row.vector = held.floats;
  row.vector_holder = std::move(held.holder);
  return row;
}

Metadata ReadMemoryMetadata(const ReadView& view, const Row& row, const Projection& projection) {
  Metadata metadata;
  for (const auto& [key, value] : row.metadata) {
    if (IsWanted(projection, key)) metadata.emplace(key, value);
  }
  // Fields may have been declared since it was written.
  ConvertDeclared(metadata, view.schema->fields);
  return metadata;
}

Record ReadMemoryRecord(const ReadView& view, const Row& row, const Projection& projection) {
  Record record;
  record.id = row.id;
  record.timestamp = Timestamp{row.timestamp};
  if (row.expires_at != kNeverExpires) record.expires_at = Timestamp{row.expires_at};
  if (projection.version) record.version = row.ingested_at;
  if (projection.metadata) record.metadata = ReadMemoryMetadata(view, row, projection);
  return record;
}

}  // namespace

Status CheckProjection(const ReadView& view, const Projection& projection) {
  for (const std::string& name : projection.fields) {
    if (view.schema->FindField(name) != nullptr) continue;
    const bool in_part = std::any_of(view.parts.begin(), view.parts.end(),
                                     [&](const auto& part) { return part.part->MayHaveKey(name); });
    const bool in_memory =
        std::any_of(view.memtables.begin(), view.memtables.end(),
                    [&](const auto& memtable) { return memtable.memtable->MayHaveKey(name); });
    const bool has_rows = !view.parts.empty() ||
                          std::any_of(view.memtables.begin(), view.memtables.end(),
                                      [](const auto& memtable) { return memtable.row_count > 0; });
    if (has_rows && !in_part && !in_memory) {
      return Status::InvalidArgument(fmt::format("projection: unknown field '{}'", name));
    }
  }
  return {};
}

Result<Metadata> ReadMetadata(const ReadView& view, const Location& location,
                              const Projection& projection) {
  if (view.is_part(location.source)) {
    return ReadPartMetadata(view, *view.parts[location.source].part, location.row, projection);
  }
  const Row& row = view.memtable_of(location.source).row(static_cast<uint32_t>(location.row));
  return ReadMemoryMetadata(view, row, projection);
}

Status ReadVector(const ReadView& view, const Location& location, const Projection& projection,
                  std::vector<float>& dense, std::optional<SparseVector>& sparse) {
  if (!projection.vector && !projection.sparse_vector) return {};
  VIPER_ASSIGN_OR_RETURN(const HeldFloats held, view.FloatsOf(location));
  std::vector<float> vector(view.schema->dim);
  std::memcpy(vector.data(), held.floats, vector.size() * sizeof(float));
  if (projection.sparse_vector) sparse = SparseVector::FromDense(vector);
  if (projection.vector) dense = std::move(vector);
  return {};
}

Result<Record> ReadRecord(const ReadView& view, const Location& location,
                          const Projection& projection) {
  Record record;
  if (view.is_part(location.source)) {
    VIPER_ASSIGN_OR_RETURN(record, ReadPartRecord(view, location, projection));
  } else {
    record = ReadMemoryRecord(
        view, view.memtable_of(location.source).row(static_cast<uint32_t>(location.row)),
        projection);
  }
  VIPER_RETURN_IF_ERROR(
      ReadVector(view, location, projection, record.vector, record.sparse_vector));
  return record;
}

Result<int64_t> ReadVersion(const ReadView& view, const Location& location) {
  if (view.is_part(location.source)) {
    return view.parts[location.source].part->TimeOf(kIngestedAtColumn, location.row);
  }
  return view.memtable_of(location.source).row(static_cast<uint32_t>(location.row)).ingested_at;
}

Result<Row> ReadRow(const ReadView& view, const Location& location) {
  if (view.is_part(location.source)) return ReadPartRow(view, location);
  return view.memtable_of(location.source).row(static_cast<uint32_t>(location.row));
}

}  // namespace viper::core
