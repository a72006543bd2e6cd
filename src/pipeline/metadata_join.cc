#include "pipeline/metadata_join.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "pipeline/batch_builder.h"
#include "pipeline/json_record.h"
#include "pipeline/line_reader.h"
#include "pipeline/row_checks.h"
#include "pipeline/source_limits.h"

namespace viper::pipeline {
namespace {

class MetadataJoin final : public RecordSource {
 public:
  MetadataJoin(std::unique_ptr<RecordSource> vectors, InputFile metadata,
               const RecordSourceOptions& options)
      : options_(options), vectors_(std::move(vectors)), lines_(std::move(metadata)) {}

  // Read the first line for its keys, count the lines, and go back to the front. Counting reads the
  // file once more, but a file of another table is found out before anything of it is loaded.
  Status Open() {
    VIPER_ASSIGN_OR_RETURN(const auto line, lines_.Next());
    if (line.has_value() && !IsBlank(*line)) {
      Result<JsonRecordKeys> keys = parser_.InferKeys(*line, options_, /*with_vector=*/false);
      if (!keys.ok()) return keys.status().WithContext(lines_.Place());
      keys_ = std::move(*keys);
    }
    lines_.Rewind();
    if (options_.limit == 0 && row_count().has_value()) VIPER_RETURN_IF_ERROR(CheckLineCount());
    return Status::Ok();
  }

  size_t dim() const override { return vectors_->dim(); }
  std::optional<uint64_t> row_count() const override { return vectors_->row_count(); }
  std::optional<double> fraction_read() const override { return vectors_->fraction_read(); }
  const std::vector<Field>& fields() const override { return vectors_->fields(); }

  // A batch of the vectors may be paired with more text than a batch may hold: then it is handed
  // out in pieces.
  Result<RecordBatch> Next() override {
    if (pending_row_ == pending_.row_count()) {
      VIPER_ASSIGN_OR_RETURN(pending_, vectors_->Next());
      pending_row_ = 0;
      if (pending_.row_count() == 0) return std::move(pending_);
    }
    return NextPiece();
  }

  Status Skip(uint64_t count) override {
    const uint64_t pending = std::min<uint64_t>(count, pending_.row_count() - pending_row_);
    VIPER_RETURN_IF_ERROR(vectors_->Skip(count - pending));
    pending_row_ += static_cast<size_t>(pending);
    for (uint64_t skipped = 0; skipped < count; ++skipped) {
      VIPER_RETURN_IF_ERROR(NextLine().status());
    }
    return Status::Ok();
  }

 private:
  Result<RecordBatch> NextPiece() {
    RecordBatch piece;
    const size_t first = pending_row_;
    size_t text_bytes = 0;
    while (pending_row_ < pending_.row_count() && text_bytes < kBatchTextBytes) {
      VIPER_ASSIGN_OR_RETURN(const std::string_view line, NextLine());
      text_bytes += line.size();
      const Status status = AddLine(line, piece);
      if (!status.ok()) return status.WithContext(lines_.Place());
      ++pending_row_;
    }
    if (first == 0 && pending_row_ == pending_.row_count()) {
      piece.vectors = std::move(pending_.vectors);
    } else {
      const auto begin = pending_.vectors.begin();
      piece.vectors.assign(begin + static_cast<ptrdiff_t>(first * dim()),
                           begin + static_cast<ptrdiff_t>(pending_row_ * dim()));
    }
    return piece;
  }

  Status AddLine(std::string_view line, RecordBatch& piece) {
    VIPER_ASSIGN_OR_RETURN(Record record, parser_.Parse(line, keys_));
    if (keys_.id.empty()) {
      record.id = std::move(pending_.ids[pending_row_]);
    } else {
      VIPER_RETURN_IF_ERROR(CheckId(record.id));
    }
    const size_t rows_before = piece.row_count();
    piece.ids.push_back(std::move(record.id));
    piece.metadata.push_back(std::move(record.metadata));
    AddTime(record.timestamp, rows_before, piece.timestamps);
    AddTime(record.expires_at, rows_before, piece.expirations);
    return Status::Ok();
  }

  Result<std::string_view> NextLine() {
    VIPER_ASSIGN_OR_RETURN(const auto line, lines_.Next());
    if (!line.has_value()) {
      return Status::InvalidArgument(
          fmt::format("{}: fewer lines than rows of the vectors: lines={}", lines_.name(),
                      lines_.line_number()));
    }
    if (IsBlank(*line)) {
      return Status::InvalidArgument(
          fmt::format("{}: an empty line; a row without metadata is written {{}}", lines_.Place()));
    }
    return *line;
  }

  // Blank lines at the end do not count.
  Status CheckLineCount() {
    uint64_t count = 0;
    while (true) {
      VIPER_ASSIGN_OR_RETURN(const auto line, lines_.Next());
      if (!line.has_value()) break;
      if (!IsBlank(*line)) count = lines_.line_number();
    }
    lines_.Rewind();
    if (count == *row_count()) return Status::Ok();
    return Status::InvalidArgument(
        fmt::format("{}: another number of lines than there are vectors: expected={} actual={}",
                    lines_.name(), *row_count(), count));
  }

  const RecordSourceOptions options_;
  const std::unique_ptr<RecordSource> vectors_;
  LineReader lines_;
  JsonRecordParser parser_;
  JsonRecordKeys keys_;
  RecordBatch pending_;  // rows from pending_row_ on are not handed out yet
  size_t pending_row_ = 0;
};

}  // namespace

Result<std::unique_ptr<RecordSource>> JoinMetadata(std::unique_ptr<RecordSource> vectors,
                                                   InputFile metadata,
                                                   const RecordSourceOptions& options) {
  auto source = std::make_unique<MetadataJoin>(std::move(vectors), std::move(metadata), options);
  VIPER_RETURN_IF_ERROR(source->Open());
  return std::unique_ptr<RecordSource>(std::move(source));
}

}  // namespace viper::pipeline
