#include "pipeline/file_columns.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "columnar/column.h"
#include "core/metadata_split.h"
#include "parquet/part_schema.h"

namespace viper::pipeline {
namespace {

using parquet::PartColumn;
using parquet::PartColumnKind;

parquet::TimeUnit UnitOf(TimePrecision precision) {
  switch (precision) {
    case TimePrecision::kMillis:
      return parquet::TimeUnit::kMillis;
    case TimePrecision::kNanos:
      return parquet::TimeUnit::kNanos;
    case TimePrecision::kMicros:
      break;
  }
  return parquet::TimeUnit::kMicros;
}

/// Whether something of the metadata is left for the payload.
bool HasPayload(const core::Row& row, const CollectionSchema& schema) {
  return std::any_of(row.metadata.begin(), row.metadata.end(), [&](const auto& entry) {
    return entry.second.is_null() || schema.FindField(entry.first) == nullptr;
  });
}

uint64_t CountNulls(std::span<const core::Row> rows, const PartColumn& column,
                    const FileColumns& columns) {
  const auto count = [&](const auto& is_null) {
    return static_cast<uint64_t>(std::count_if(rows.begin(), rows.end(), is_null));
  };
  switch (column.kind) {
    case PartColumnKind::kExpiresAt:
      return count([](const core::Row& row) { return row.expires_at == kExpiryNotGiven; });
    case PartColumnKind::kPayload:
      if (columns.shape.is_legacy) return 0;
      return count([&](const core::Row& row) { return !HasPayload(row, columns.schema); });
    case PartColumnKind::kField:
      return count([&](const core::Row& row) {
        const auto found = row.metadata.find(column.name);
        return found == row.metadata.end() || found->second.is_null();
      });
    case PartColumnKind::kId:
    case PartColumnKind::kTimestamp:
    case PartColumnKind::kIngestedAt:
      break;
  }
  return 0;
}

Status DropColumn(const std::string& name, FileColumns& columns) {
  for (const PartColumn& column : parquet::ScalarColumns(columns.schema, columns.shape)) {
    if (column.name != name) continue;
    if (column.kind == PartColumnKind::kExpiresAt) columns.shape.has_expires_at = false;
    if (column.kind == PartColumnKind::kPayload) columns.shape.has_payload = false;
    if (column.kind == PartColumnKind::kField) {
      std::erase_if(columns.schema.fields, [&](const Field& field) { return field.name == name; });
    }
    return {};
  }
  return Status::InvalidArgument(
      fmt::format("a processor asks to drop a column that the file does not have: {}", name));
}

}  // namespace

FileColumns ColumnsOfLayout(const CollectionSchema& schema, const ProcessingConfig& processing) {
  FileColumns columns{schema, {}};
  if (processing.layout == FileLayout::kLegacy) {
    columns.schema.fields.clear();
    columns.shape.is_legacy = true;
  }
  if (processing.layout == FileLayout::kTimeSeries) {
    columns.shape.time_unit = UnitOf(processing.time_series.precision);
  }
  return columns;
}

std::vector<ColumnSummary> Summarize(std::span<const core::Row> rows, const FileColumns& columns) {
  std::vector<ColumnSummary> summary;
  for (const PartColumn& column : parquet::ScalarColumns(columns.schema, columns.shape)) {
    ColumnSummary& told = summary.emplace_back();
    told.name = column.name;
    told.type = column.type;
    told.row_count = rows.size();
    told.null_count = CountNulls(rows, column, columns);
    // A file without rows shows what its columns are; the legacy layout has all of its four.
    told.is_optional = !column.required && !columns.shape.is_legacy;
    told.drop = told.is_optional && !rows.empty() && told.null_count == told.row_count;
  }
  return summary;
}

Status DropColumns(std::span<const ColumnSummary> summary, FileColumns& columns) {
  for (const ColumnSummary& column : summary) {
    if (!column.drop) continue;
    if (!column.is_optional || column.null_count < column.row_count) {
      return Status::InvalidArgument(
          fmt::format("the column cannot be left out: name={} is_optional={} values={}",
                      column.name, column.is_optional, column.row_count - column.null_count));
    }
    VIPER_RETURN_IF_ERROR(DropColumn(column.name, columns));
  }
  return {};
}

parquet::PartRows MakePartRows(std::span<const core::Row> rows, std::span<const uint32_t> numbers,
                               const FileColumns& columns) {
  parquet::PartRows part;
  for (const Field& field : columns.schema.fields) part.fields.emplace_back(field.type);
  for (const uint32_t number : numbers) {
    const core::Row& row = rows[number];
    part.ids.Append(row.id);
    part.timestamps.push_back(row.timestamp);
    part.ingested_at.push_back(row.ingested_at);
    if (row.expires_at == kExpiryNotGiven) {
      part.expires_at.AppendNull();
    } else {
      part.expires_at.AppendInt64(row.expires_at == core::kNeverExpires ? kWrittenNever
                                                                        : row.expires_at);
    }
    Value::Object payload = core::SplitMetadata(row.metadata, columns.schema.fields, part.fields);
    if (payload.empty() && !columns.shape.is_legacy) {
      part.payload.AppendNull();
    } else {
      part.payload.AppendString(Value(std::move(payload)).ToJson());
    }
    part.vectors.push_back(row.vector);
  }
  return part;
}

}  // namespace viper::pipeline
