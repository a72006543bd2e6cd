#include "parquet/logical_bytes.h"

#include "columnar/json_length.h"

namespace viper::parquet {
namespace {

constexpr uint64_t kTimeBytes = 8;

/// Of the object that the fields and the payload make together.
uint64_t MetadataBytes(const PartRows& rows, const CollectionSchema& schema, size_t row) {
  uint64_t members = 0;
  uint64_t commas = 0;
  for (size_t i = 0; i < rows.fields.size(); ++i) {
    const columnar::Column& field = rows.fields[i];
    if (!field.IsPresent(row)) continue;
    members +=
        columnar::JsonLengthOf(schema.fields[i].name) + 1 + columnar::JsonLengthAt(field, row);
    ++commas;
  }
  if (rows.payload.IsPresent(row) && rows.payload.strings()[row].size() > 2) {
    members += rows.payload.strings()[row].size() - 2;  // without its braces
    ++commas;
  }
  return members == 0 ? 0 : 2 + members + commas - 1;
}

}  // namespace

uint64_t LogicalBytes(const PartRows& rows, const CollectionSchema& schema) {
  uint64_t bytes = rows.row_count() * (schema.dim * sizeof(float) + 2 * kTimeBytes);
  for (size_t row = 0; row < rows.row_count(); ++row) {
    bytes += rows.ids[row].size() + MetadataBytes(rows, schema, row);
    if (rows.expires_at.IsPresent(row)) bytes += kTimeBytes;
  }
  return bytes;
}

}  // namespace viper::parquet
