// Writes files with the pipeline in all its ways, through the public API alone. Where VIPER_FILES
// names a directory they stay there, with `results.json` beside them, for tests/interop to read.

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "viper/pipeline.h"

namespace viper {
namespace {

constexpr size_t kRows = 10'000;
constexpr size_t kDim = 16;
constexpr int64_t kBegin = 1'760'000'000'000'000;

/// Numbers that look random, the same everywhere.
class Numbers {
 public:
  uint64_t Next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }

 private:
  uint64_t state_ = 88172645463325252;
};

/// Rows of 25 groups, one after the other in no order of the vectors.
std::vector<Record> MakeRecords() {
  Numbers numbers;
  std::vector<Record> records(kRows);
  for (size_t row = 0; row < kRows; ++row) {
    Record& record = records[row];
    record.id = "id-" + std::to_string(row);
    record.collection_id = "docs";
    const uint64_t group = numbers.Next() % 25;
    for (size_t i = 0; i < kDim; ++i) {
      const auto middle = static_cast<float>((group * 2654435761U >> i) % 16);
      record.vector.push_back(middle + static_cast<float>(numbers.Next() % (1 << 24)) / (1 << 24));
    }
    record.metadata["category"] = "category " + std::to_string(numbers.Next() % 7);
    record.metadata["year"] = static_cast<int64_t>(1990 + numbers.Next() % 30);
    record.metadata["unique"] = "text " + std::to_string(numbers.Next());
    record.metadata["loose"] = Value::Object{{"row", static_cast<int64_t>(row)}};
    record.timestamp = Timestamp{kBegin + static_cast<int64_t>(numbers.Next() % 36'000'000'000)};
  }
  return records;
}

CollectionSchema Schema() {
  return {.dim = kDim,
          .metric = Metric::kL2,
          .fields = {{"category", FieldType::kString},
                     {"year", FieldType::kInt64},
                     {"unique", FieldType::kString},
                     {"never", FieldType::kString}}};
}

std::map<std::string, std::function<void(PipelineConfig&)>> Ways() {
  return {
      {"plain", [](auto&) {}},
      {"uncompressed", [](auto& c) { c.flushing.compression.codec = Codec::kNone; }},
      {"adaptive", [](auto& c) { c.flushing.enable_adaptive_compression = true; }},
      {"no_dictionary", [](auto& c) { c.flushing.enable_dictionary_encoding = false; }},
      {"no_statistics", [](auto& c) { c.flushing.enable_statistics = false; }},
      {"no_postprocessing", [](auto& c) { c.processing.enable_postprocessing = false; }},
      {"no_preprocessing", [](auto& c) { c.processing.enable_preprocessing = false; }},
      {"by_year", [](auto& c) { c.processing.sorting = {SortingOrder::kByMetadata, {"year"}}; }},
      {"similar", [](auto& c) { c.processing.sorting.order = SortingOrder::kBySimilarity; }},
      {"similar_no_ml",
       [](auto& c) {
         c.processing.sorting.order = SortingOrder::kBySimilarity;
         c.processing.enable_ml_optimizations = false;
       }},
      {"legacy", [](auto& c) { c.processing.layout = FileLayout::kLegacy; }},
      {"series_ms",
       [](auto& c) {
         c.processing.layout = FileLayout::kTimeSeries;
         c.processing.time_series.precision = TimePrecision::kMillis;
       }},
      {"series_ns",
       [](auto& c) {
         c.processing.layout = FileLayout::kTimeSeries;
         c.processing.time_series.precision = TimePrecision::kNanos;
       }},
  };
}

TEST(PipelineFiles, P18_P24_EveryWayOfWritingIsThereForOtherReaders) {
  const char* wanted = std::getenv("VIPER_FILES");
  const std::filesystem::path directory =
      wanted != nullptr ? std::filesystem::path(wanted)
                        : std::filesystem::path(::testing::TempDir()) / "viper_pipeline_files";
  std::filesystem::remove_all(directory / "files");
  Value::Object results;
  for (const auto& [name, change] : Ways()) {
    PipelineConfig config;
    config.flushing.row_group_rows = 2000;
    change(config);
    const auto made = Pipeline::Make(config);
    ASSERT_TRUE(made.ok()) << made.status().ToString();
    const auto path = directory / "files" / (name + ".parquet");
    auto records = MakeRecords();
    records.push_back(records[3]);
    if (name == "plain") records[5].expires_at = Timestamp::Parse("2030-01-01").value();
    const auto result =
        (*made)->ProcessRecords("docs", std::move(records), path.string(), {.schema = Schema()});
    ASSERT_TRUE(result.ok()) << name << ": " << result.status().ToString();
    EXPECT_EQ(result->entries_flushed, name == "no_preprocessing" ? kRows + 1 : kRows);
    EXPECT_EQ(result->bytes_written, std::filesystem::file_size(path));
    Value::Object told{{"entries", static_cast<int64_t>(result->entries_flushed)},
                       {"bytes", static_cast<int64_t>(result->bytes_written)},
                       {"logical", static_cast<int64_t>(result->logical_bytes)},
                       {"row_groups", static_cast<int64_t>(result->row_groups)},
                       {"ratio", *result->compression_ratio}};
    if (result->model) told["model"] = *result->model;
    results[name] = std::move(told);
  }
  std::ofstream(directory / "files" / "results.json") << Value(std::move(results)).ToJson();
  if (wanted == nullptr) std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace viper
