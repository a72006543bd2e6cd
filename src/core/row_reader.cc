#include "core/row_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"
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

Status ReadPayload(const Part& part, uint64_t row, const Projection& projection,
                   Metadata& metadata) {
  VIPER_ASSIGN_OR_RETURN(auto place, part.PageOfRow(kPayloadColumn, row));
  if (!place.column->IsPresent(place.index)) return {};
  auto document = Value::FromJson(place.column->strings()[place.index]);
  if (!document.ok() || document->as_object() == nullptr) {
    return Status::Corruption(
        fmt::format("part {} row {}: _payload is not a JSON object", part.added().path, row));
  }
  for (auto& [key, value] : *document->as_object()) {
    if (IsWanted(projection, key)) metadata[key] = std::move(value);
  }
  return {};
}

Result<Metadata> ReadPartMetadata(const ReadView& view, const Part& part, uint64_t row,
                                  const Projection& projection) {
  Metadata metadata;
  // The payload comes first: it also holds the explicit nulls of declared fields.
  VIPER_RETURN_IF_ERROR(ReadPayload(part, row, projection, metadata));
  for (const Field& field : view.schema->fields) {
    if (!IsWanted(projection, field.name)) continue;
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
  if (projection.metadata) {
    VIPER_ASSIGN_OR_RETURN(record.metadata, ReadPartMetadata(view, part, location.row, projection));
  }
  return record;
}

Result<int64_t> ReadTime(const Part& part, std::string_view column, uint64_t row) {
  VIPER_ASSIGN_OR_RETURN(auto place, part.PageOfRow(column, row));
  if (place.column->IsPresent(place.index)) return place.column->int64s()[place.index];
  return part.added().modification_time_ms * 1000;
}

Result<Row> ReadPartRow(const ReadView& view, const Location& location) {
  const Part& part = *view.parts[location.source].part;
  Row row;
  VIPER_ASSIGN_OR_RETURN(row.id, part.IdOf(location.row));
  row.id_hash = storage::HashId(row.id);
  VIPER_ASSIGN_OR_RETURN(row.metadata, ReadPartMetadata(view, part, location.row, {}));
  VIPER_ASSIGN_OR_RETURN(row.timestamp, ReadTime(part, kTimestampColumn, location.row));
  VIPER_ASSIGN_OR_RETURN(row.ingested_at, ReadTime(part, kIngestedAtColumn, location.row));
  VIPER_ASSIGN_OR_RETURN(row.expires_at, view.ExpiryOf(location));
  VIPER_ASSIGN_OR_RETURN(HeldFloats held, part.FloatsToKeep(location.row));
  row.vector = held.floats;
  row.vector_holder = std::move(held.holder);
  return row;
}

Metadata ReadMemoryMetadata(const Row& row, const Projection& projection) {
  Metadata metadata;
  for (const auto& [key, value] : row.metadata) {
    if (IsWanted(projection, key)) metadata.emplace(key, value);
  }
  return metadata;
}

Record ReadMemoryRecord(const Row& row, const Projection& projection) {
  Record record;
  record.id = row.id;
  record.timestamp = Timestamp{row.timestamp};
  if (row.expires_at != kNeverExpires) record.expires_at = Timestamp{row.expires_at};
  if (projection.metadata) record.metadata = ReadMemoryMetadata(row, projection);
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
  return ReadMemoryMetadata(row, projection);
}

Result<Record> ReadRecord(const ReadView& view, const Location& location,
                          const Projection& projection) {
  Record record;
  if (view.is_part(location.source)) {
    VIPER_ASSIGN_OR_RETURN(record, ReadPartRecord(view, location, projection));
  } else {
    record = ReadMemoryRecord(
        view.memtable_of(location.source).row(static_cast<uint32_t>(location.row)), projection);
  }
  if (projection.vector) {
    VIPER_ASSIGN_OR_RETURN(const HeldFloats held, view.FloatsOf(location));
    record.vector.resize(view.schema->dim);
    std::memcpy(record.vector.data(), held.floats, view.schema->dim * sizeof(float));
  }
  return record;
}

Result<Row> ReadRow(const ReadView& view, const Location& location) {
  if (view.is_part(location.source)) return ReadPartRow(view, location);
  return view.memtable_of(location.source).row(static_cast<uint32_t>(location.row));
}

}  // namespace viper::core
