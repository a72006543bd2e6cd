#include "pipeline/vector_file.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "pipeline/batch_builder.h"
#include "pipeline/row_checks.h"
#include "pipeline/source_limits.h"

namespace viper::pipeline {
namespace {

class VectorFileSource final : public RecordSource {
 public:
  VectorFileSource(std::unique_ptr<VectorFile> file, const RecordSourceOptions& options)
      : file_(std::move(file)),
        options_(options),
        rows_(options.limit == 0 ? file_->row_count()
                                 : std::min(file_->row_count(), options.limit)) {}

  size_t dim() const override { return file_->dim(); }
  std::optional<uint64_t> row_count() const override { return rows_; }
  const std::vector<Field>& fields() const override { return fields_; }

  Result<RecordBatch> Next() override {
    const auto count = static_cast<size_t>(std::min<uint64_t>(rows_ - next_row_, BatchRows(dim())));
    RecordBatch batch;
    batch.vectors.resize(count * dim());
    if (count == 0) return batch;
    Status status = file_->ReadRows(next_row_, batch.vectors);
    if (status.ok()) status = CheckRowsFinite(batch.vectors, dim(), next_row_);
    if (!status.ok()) return status.WithContext(file_->name());
    batch.ids.reserve(count);
    for (size_t i = 0; i < count; ++i)
      batch.ids.push_back(MakeRowId(options_.id_prefix, options_.first_row + next_row_ + i));
    next_row_ += count;
    return batch;
  }

  Status Skip(uint64_t count) override {
    const uint64_t left = rows_ - next_row_;
    if (count > left) return SkippedTooFar(file_->name(), count, left);
    next_row_ += count;
    return Status::Ok();
  }

 private:
  const std::unique_ptr<VectorFile> file_;
  const RecordSourceOptions options_;
  const uint64_t rows_;
  const std::vector<Field> fields_;
  uint64_t next_row_ = 0;
};

}  // namespace

std::unique_ptr<RecordSource> MakeVectorFileSource(std::unique_ptr<VectorFile> file,
                                                   const RecordSourceOptions& options) {
  return std::make_unique<VectorFileSource>(std::move(file), options);
}

}  // namespace viper::pipeline
