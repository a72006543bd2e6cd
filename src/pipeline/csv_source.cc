#include "pipeline/csv_source.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/expiry_text.h"
#include "base/status_macros.h"
#include "pipeline/batch_builder.h"
#include "pipeline/csv_cell.h"
#include "pipeline/csv_layout.h"
#include "pipeline/csv_reader.h"
#include "pipeline/row_checks.h"
#include "pipeline/row_counter.h"

namespace viper::pipeline {
namespace {

Result<std::optional<Timestamp>> ReadTime(std::string_view cell) {
  VIPER_ASSIGN_OR_RETURN(const Timestamp time, Timestamp::Parse(cell));
  return std::optional(time);
}

Status ReadMetadataObject(std::string_view cell, Metadata& whole) {
  VIPER_ASSIGN_OR_RETURN(Value value, Value::FromJson(cell));
  if (value.as_object() == nullptr) {
    return Status::InvalidArgument(
        fmt::format("metadata is not a JSON object: kind={}", KindName(value.kind())));
  }
  whole = std::move(*value.as_object());
  return Status::Ok();
}

// Put one cell where it belongs. `whole` collects what wins over single columns.
Status ReadCell(const CsvColumn& column, std::string_view cell, Record& record, Metadata& whole) {
  if (cell.empty() && column.role != CsvRole::kComponent) return Status::Ok();
  switch (column.role) {
    case CsvRole::kIgnored:
      return Status::Ok();
    case CsvRole::kId:
      record.id = cell;
      return Status::Ok();
    case CsvRole::kVector: {
      VIPER_ASSIGN_OR_RETURN(record.vector, ParseVectorCell(cell));
      return Status::Ok();
    }
    case CsvRole::kComponent: {
      VIPER_ASSIGN_OR_RETURN(record.vector[column.component], ParseFloatCell(cell));
      return Status::Ok();
    }
    case CsvRole::kTimestamp: {
      VIPER_ASSIGN_OR_RETURN(record.timestamp, ReadTime(cell));
      return Status::Ok();
    }
    case CsvRole::kExpiresAt: {
      VIPER_ASSIGN_OR_RETURN(record.expires_at, ParseExpiry(cell));
      return Status::Ok();
    }
    case CsvRole::kMetadata:
      return ReadMetadataObject(cell, whole);
    case CsvRole::kField:
      record.metadata.insert_or_assign(column.name, TypeCsvCell(cell));
      return Status::Ok();
  }
  return Status::Ok();
}

Result<Record> ReadRow(const CsvLayout& layout, const std::vector<std::string_view>& cells) {
  if (cells.size() != layout.columns.size()) {
    return Status::InvalidArgument(
        fmt::format("row has another number of cells than the header: expected={} actual={}",
                    layout.columns.size(), cells.size()));
  }
  Record record;
  record.vector.resize(layout.component_count);
  Metadata whole;
  for (size_t i = 0; i < cells.size(); ++i) {
    const Status status = ReadCell(layout.columns[i], cells[i], record, whole);
    if (!status.ok()) {
      return status.WithContext(fmt::format("column {}", layout.columns[i].name));
    }
  }
  for (auto& [key, value] : whole) record.metadata.insert_or_assign(key, std::move(value));
  if (record.vector.empty()) return Status::InvalidArgument("row has no vector: its cell is empty");
  return record;
}

class CsvSource final : public RecordSource {
 public:
  CsvSource(InputFile input, const RecordSourceOptions& options)
      : options_(options), reader_(std::move(input)), rows_(options.limit) {}

  // Read the header and the first row for layout and dimension, and go back to the first row.
  Status Open() {
    VIPER_ASSIGN_OR_RETURN(const bool has_header, reader_.Next());
    std::vector<std::string> names(reader_.cells().begin(), reader_.cells().end());
    VIPER_ASSIGN_OR_RETURN(const bool has_row, reader_.Next());
    if (!has_header || !has_row) {
      return Status::InvalidArgument(fmt::format(
          "{}: no record in it (a header line and a row are needed), so the dimension is unknown",
          reader_.name()));
    }
    const Status status = ReadFirst(names);
    if (!status.ok()) return status.WithContext(reader_.Place());
    reader_.Rewind();
    return reader_.SkipRecord().status();
  }

  size_t dim() const override { return dim_; }
  std::optional<uint64_t> row_count() const override { return std::nullopt; }
  std::optional<double> fraction_read() const override { return reader_.fraction_read(); }
  const std::vector<Field>& fields() const override { return fields_; }

  Result<RecordBatch> Next() override {
    BatchBuilder builder(dim_);
    while (!builder.full() && !rows_.done()) {
      VIPER_ASSIGN_OR_RETURN(const bool there, reader_.Next());
      if (!there) break;
      const Status status = AddRow(builder);
      if (!status.ok()) return status.WithContext(reader_.Place());
    }
    return builder.Take();
  }

  Status Skip(uint64_t count) override {
    for (uint64_t skipped = 0; skipped < count; ++skipped) {
      if (rows_.done()) return SkippedTooFar(reader_.name(), count, skipped);
      VIPER_ASSIGN_OR_RETURN(const bool there, reader_.SkipRecord());
      if (!there) return SkippedTooFar(reader_.name(), count, skipped);
      rows_.Take(1);
    }
    return Status::Ok();
  }

 private:
  Status ReadFirst(const std::vector<std::string>& names) {
    VIPER_ASSIGN_OR_RETURN(layout_, InferCsvLayout(names, reader_.cells(), options_));
    VIPER_ASSIGN_OR_RETURN(const Record first, ReadRow(layout_, reader_.cells()));
    dim_ = first.vector.size();
    return CheckDim(dim_);
  }

  Status AddRow(BatchBuilder& builder) {
    VIPER_ASSIGN_OR_RETURN(Record record, ReadRow(layout_, reader_.cells()));
    if (!layout_.has_id)
      record.id = MakeRowId(options_.id_prefix, options_.first_row + rows_.taken());
    VIPER_RETURN_IF_ERROR(builder.Add(std::move(record), reader_.record_bytes()));
    rows_.Take(1);
    return Status::Ok();
  }

  const RecordSourceOptions options_;
  CsvReader reader_;
  CsvLayout layout_;
  size_t dim_ = 0;
  RowCounter rows_;
  const std::vector<Field> fields_;
};

}  // namespace

Result<std::unique_ptr<RecordSource>> OpenCsvSource(InputFile input,
                                                    const RecordSourceOptions& options) {
  auto source = std::make_unique<CsvSource>(std::move(input), options);
  VIPER_RETURN_IF_ERROR(source->Open());
  return std::unique_ptr<RecordSource>(std::move(source));
}

}  // namespace viper::pipeline
