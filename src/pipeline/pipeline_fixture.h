#pragma once

// For tests of this folder: records to write, and files to read again.

#include <cmath>
#include <cstdint>
#include <memory>
#include <numbers>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "base/status_macros.h"
#include "parquet/parquet_record_source.h"
#include "parquet/part_layout.h"
#include "testing/memory_file_system.h"
#include "testing/status_matchers.h"
#include "viper/pipeline.h"

namespace viper::pipeline {

inline constexpr int64_t kTestTime = 1'760'000'000'000'000;

/// Rows around a few centres, in no order: row r belongs to centre r % centres.
inline std::vector<Record> ClusteredRecords(size_t count, size_t dim, size_t centres,
                                            uint64_t seed = 7) {
  Random random(seed);
  std::vector<float> middles(centres * dim);
  for (float& component : middles) {
    component = static_cast<float>(10 * random.UniformDouble() - 5);
  }
  std::vector<Record> records(count);
  for (size_t row = 0; row < count; ++row) {
    Record& record = records[row];
    record.id = fmt::format("id-{}", row);
    for (size_t i = 0; i < dim; ++i) {
      const double noise = 0.2 * (random.UniformDouble() - 0.5);
      record.vector.push_back(static_cast<float>(middles[row % centres * dim + i] + noise));
    }
    record.metadata["category"] = fmt::format("c{}", random.Uniform(5));
    record.metadata["year"] = static_cast<int64_t>(2000 + random.Uniform(20));
    record.metadata["note"] = fmt::format("note {}", random.Next());
    record.timestamp = Timestamp{kTestTime + static_cast<int64_t>(random.Uniform(1'000'000'000))};
  }
  return records;
}

/// Schema of ClusteredRecords; "note" is not declared.
inline CollectionSchema ClusteredSchema(size_t dim) {
  return {.dim = dim,
          .metric = Metric::kL2,
          .fields = {{"category", FieldType::kString}, {"year", FieldType::kInt64}}};
}

/// All records of a file in its order, as another reader sees them.
inline std::vector<Record> ReadRecords(FileSystem& files, const std::string& path) {
  std::vector<Record> records;
  auto source = OpenParquetSource(path, {}, files).value();
  for (;;) {
    RecordBatch batch = source->Next().value();
    if (batch.row_count() == 0) return records;
    for (size_t row = 0; row < batch.row_count(); ++row) {
      Record& record = records.emplace_back();
      record.id = batch.ids[row];
      const auto first = batch.vectors.begin() + static_cast<std::ptrdiff_t>(row * source->dim());
      record.vector.assign(first, first + static_cast<std::ptrdiff_t>(source->dim()));
      if (!batch.metadata.empty()) record.metadata = batch.metadata[row];
      if (!batch.timestamps.empty()) record.timestamp = batch.timestamps[row];
      if (!batch.expirations.empty()) record.expires_at = batch.expirations[row];
    }
  }
}

inline parquet::PartLayout LayoutOf(FileSystem& files, const std::string& path) {
  const auto map = files.Map(path).value();
  return parquet::ReadPartLayout(map->bytes()).value();
}

inline const parquet::ColumnLayout* ColumnOf(const parquet::PartLayout& layout,
                                             const std::string& path) {
  for (const parquet::ColumnLayout& column : layout.columns) {
    if (column.path == path) return &column;
  }
  return nullptr;
}

inline double DistanceBetween(const std::vector<float>& a, const std::vector<float>& b) {
  double squared = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    squared += (static_cast<double>(a[i]) - b[i]) * (static_cast<double>(a[i]) - b[i]);
  }
  return std::sqrt(squared);
}

/// Mean distance of rows that stand beside each other.
inline double MeanNeighbourDistance(const std::vector<Record>& records) {
  double sum = 0;
  for (size_t row = 1; row < records.size(); ++row) {
    sum += DistanceBetween(records[row - 1].vector, records[row].vector);
  }
  return sum / static_cast<double>(records.size() - 1);
}

/// A pipeline on files in memory.
class PipelineFixture : public ::testing::Test {
 protected:
  Result<ProcessResult> Process(std::vector<Record> records,
                                std::shared_ptr<RecordProcessor> processor = nullptr) {
    VIPER_ASSIGN_OR_RETURN(const auto pipeline,
                           Pipeline::Make(config_, &files_, nullptr, std::move(processor)));
    return pipeline->ProcessRecords("docs", std::move(records), path_, {.schema = schema_});
  }
  std::vector<Record> Read() { return ReadRecords(files_, path_); }
  parquet::PartLayout Layout() { return LayoutOf(files_, path_); }

  MemoryFileSystem files_;
  PipelineConfig config_;
  std::string path_ = "/data/viper/docs/batch.parquet";
  std::optional<CollectionSchema> schema_;
};

}  // namespace viper::pipeline
