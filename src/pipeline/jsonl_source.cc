#include "pipeline/jsonl_source.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "pipeline/batch_builder.h"
#include "pipeline/json_record.h"
#include "pipeline/line_reader.h"
#include "pipeline/row_checks.h"
#include "pipeline/row_counter.h"

namespace viper::pipeline {
namespace {

// The next line that holds something.
Result<std::optional<std::string_view>> NextRecordLine(LineReader& lines) {
  while (true) {
    VIPER_ASSIGN_OR_RETURN(const auto line, lines.Next());
    if (!line.has_value() || !IsBlank(*line)) return line;
  }
}

class JsonlSource final : public RecordSource {
 public:
  JsonlSource(InputFile input, const RecordSourceOptions& options)
      : options_(options), lines_(std::move(input)), rows_(options.limit) {}

  // Read the first record for its keys and dimension, and go back to the front.
  Status Open() {
    VIPER_ASSIGN_OR_RETURN(const auto line, NextRecordLine(lines_));
    if (!line.has_value()) {
      return Status::InvalidArgument(
          fmt::format("{}: no record in it, so the dimension is unknown", lines_.name()));
    }
    const Status status = ReadFirst(*line);
    if (!status.ok()) return status.WithContext(lines_.Place());
    lines_.Rewind();
    return Status::Ok();
  }

  size_t dim() const override { return dim_; }
  std::optional<uint64_t> row_count() const override { return std::nullopt; }
  std::optional<double> fraction_read() const override { return lines_.fraction_read(); }
  const std::vector<Field>& fields() const override { return fields_; }

  Result<RecordBatch> Next() override {
    BatchBuilder builder(dim_);
    while (!builder.full() && !rows_.done()) {
      VIPER_ASSIGN_OR_RETURN(const auto line, NextRecordLine(lines_));
      if (!line.has_value()) break;
      const Status status = AddRow(*line, builder);
      if (!status.ok()) return status.WithContext(lines_.Place());
    }
    return builder.Take();
  }

  Status Skip(uint64_t count) override {
    for (uint64_t skipped = 0; skipped < count; ++skipped) {
      if (rows_.done()) return SkippedTooFar(lines_.name(), count, skipped);
      VIPER_ASSIGN_OR_RETURN(const auto line, NextRecordLine(lines_));
      if (!line.has_value()) return SkippedTooFar(lines_.name(), count, skipped);
      rows_.Take(1);
    }
    return Status::Ok();
  }

 private:
  Status ReadFirst(std::string_view line) {
    VIPER_ASSIGN_OR_RETURN(keys_, parser_.InferKeys(line, options_, /*with_vector=*/true));
    VIPER_ASSIGN_OR_RETURN(const Record first, parser_.Parse(line, keys_));
    dim_ = first.sparse_vector ? options_.dim : first.vector.size();
    if (first.sparse_vector && dim_ == 0) {
      return Status::InvalidArgument(
          "the first vector is sparse, which does not tell the dimension: give it");
    }
    return CheckDim(dim_);
  }

  Status AddRow(std::string_view line, BatchBuilder& builder) {
    VIPER_ASSIGN_OR_RETURN(Record record, parser_.Parse(line, keys_));
    if (keys_.id.empty())
      record.id = MakeRowId(options_.id_prefix, options_.first_row + rows_.taken());
    if (record.sparse_vector) {
      VIPER_ASSIGN_OR_RETURN(record.vector, record.sparse_vector->ToDense(dim_));
    }
    VIPER_RETURN_IF_ERROR(builder.Add(std::move(record), line.size()));
    rows_.Take(1);
    return Status::Ok();
  }

  const RecordSourceOptions options_;
  LineReader lines_;
  JsonRecordParser parser_;
  JsonRecordKeys keys_;
  size_t dim_ = 0;
  RowCounter rows_;
  const std::vector<Field> fields_;
};

}  // namespace

Result<std::unique_ptr<RecordSource>> OpenJsonlSource(InputFile input,
                                                      const RecordSourceOptions& options) {
  auto source = std::make_unique<JsonlSource>(std::move(input), options);
  VIPER_RETURN_IF_ERROR(source->Open());
  return std::unique_ptr<RecordSource>(std::move(source));
}

}  // namespace viper::pipeline
