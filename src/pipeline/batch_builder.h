#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "viper/record.h"
#include "viper/record_source.h"

namespace viper::pipeline {

/// Gathers single records into the bulk form. Not thread-safe.
class BatchBuilder {
 public:
  /// All vectors have `dim` components.
  explicit BatchBuilder(size_t dim) : dim_(dim) {}

  size_t row_count() const { return batch_.row_count(); }
  /// No further record should be added: the batch holds what one may hold.
  bool full() const;

  /// Add a record that took `text_bytes` of the input. InvalidArgument, naming the values, for a
  /// vector of another dimension or with a component that is not finite, and for an empty or too
  /// long id.
  Status Add(Record record, size_t text_bytes);
  /// Give the batch away and begin a new one.
  RecordBatch Take();

 private:
  size_t dim_;
  size_t text_bytes_ = 0;
  RecordBatch batch_;
};

/// Append the time of a row that has `rows_before` rows before it in its batch: a batch has times
/// for every row or for none, so the first one given makes room for all before it.
void AddTime(const std::optional<Timestamp>& time, size_t rows_before,
             std::vector<std::optional<Timestamp>>& times);

/// The id of a row whose input names none. `row` counts from 0.
std::string MakeRowId(std::string_view prefix, uint64_t row);

}  // namespace viper::pipeline
