#include "pipeline/batch_builder.h"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "pipeline/row_checks.h"
#include "pipeline/source_limits.h"

namespace viper::pipeline {
bool BatchBuilder::full() const {
  return row_count() >= BatchRows(dim_) || text_bytes_ >= kBatchTextBytes;
}

Status BatchBuilder::Add(Record record, size_t text_bytes) {
  VIPER_RETURN_IF_ERROR(CheckId(record.id));
  if (record.vector.size() != dim_) {
    return Status::InvalidArgument(
        fmt::format("vector has another dimension than the first row's: expected={} actual={}",
                    dim_, record.vector.size()));
  }
  VIPER_RETURN_IF_ERROR(CheckFinite(record.vector));
  const size_t rows_before = row_count();
  if (rows_before == 0) batch_.vectors.reserve(BatchRows(dim_) * dim_);
  batch_.ids.push_back(std::move(record.id));
  batch_.vectors.insert(batch_.vectors.end(), record.vector.begin(), record.vector.end());
  batch_.metadata.push_back(std::move(record.metadata));
  AddTime(record.timestamp, rows_before, batch_.timestamps);
  AddTime(record.expires_at, rows_before, batch_.expirations);
  text_bytes_ += text_bytes;
  return Status::Ok();
}

RecordBatch BatchBuilder::Take() {
  text_bytes_ = 0;
  return std::exchange(batch_, {});
}

void AddTime(const std::optional<Timestamp>& time, size_t rows_before,
             std::vector<std::optional<Timestamp>>& times) {
  if (!time.has_value() && times.empty()) return;
  times.resize(rows_before);
  times.push_back(time);
}

std::string MakeRowId(std::string_view prefix, uint64_t row) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), row);
  std::string id;
  id.reserve(prefix.size() + digits.size());
  id.append(prefix).append(digits.data(), end.ptr);
  return id;
}

}  // namespace viper::pipeline
