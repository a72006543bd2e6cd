#include "pipeline/batch_run.h"

#include <algorithm>
#include <set>

#include "pipeline/pipeline_fixture.h"
#include "testing/random_records.h"

namespace viper::pipeline {
namespace {

class BatchRuns : public PipelineFixture {
 protected:
  BatchRuns() {
    schema_ = ClusteredSchema(8);
    config_.flushing.overwrite = true;
  }
  std::vector<Record> Written(const SortingStrategy& sorting, const std::vector<Record>& records) {
    config_.processing.sorting = sorting;
    EXPECT_OK(Process(records));
    return Read();
  }
};

TEST_F(BatchRuns, P06_EachOrderIsTheOneThatIsNamed) {
  const auto records = ClusteredRecords(2000, 8, 20);
  EXPECT_EQ(Written({SortingOrder::kNone, {}}, records), records);

  const auto by_time = Written({SortingOrder::kByTime, {}}, records);
  EXPECT_TRUE(std::is_sorted(by_time.begin(), by_time.end(), [](const auto& a, const auto& b) {
    return a.timestamp < b.timestamp;
  }));

  const auto by_keys = Written({SortingOrder::kByMetadata, {"category", "year"}}, records);
  const auto keys = [](const Record& record) {
    return std::pair(*record.metadata.at("category").as_string(),
                     *record.metadata.at("year").as_int64());
  };
  EXPECT_TRUE(std::is_sorted(by_keys.begin(), by_keys.end(),
                             [&](const auto& a, const auto& b) { return keys(a) < keys(b); }));

  const double random = MeanNeighbourDistance(by_time);
  EXPECT_LT(MeanNeighbourDistance(Written({SortingOrder::kBySimilarity, {}}, records)),
            0.5 * random);
}

TEST_F(BatchRuns, P26_ProcessingMakesFilesSmallerAndTheirRowGroupsTighter) {
  schema_ = ClusteredSchema(32);
  const auto records = ClusteredRecords(8000, 32, 20);
  config_.flushing.row_group_rows = 800;
  const auto bytes = [&] { return Process(records).value().bytes_written; };
  const auto mean_radius = [&] {
    const Value groups = Value::FromJson(Layout().key_values.at("viper.row_groups")).value();
    double sum = 0;
    for (const Value& group : *groups.as_list()) {
      sum += *group.as_object()->at("radius").as_float64();
    }
    return sum / static_cast<double>(groups.as_list()->size());
  };
  config_.processing.sorting.order = SortingOrder::kNone;
  ASSERT_OK(Process(records));
  const double unordered_radius = mean_radius();
  config_.processing.sorting.order = SortingOrder::kBySimilarity;
  const uint64_t all_on = bytes();
  EXPECT_LT(mean_radius(), 0.75 * unordered_radius);
  config_.processing.enable_preprocessing = false;
  config_.processing.enable_postprocessing = false;
  config_.processing.enable_ml_optimizations = false;
  const uint64_t all_off = bytes();
  EXPECT_LT(all_on, all_off);
}

TEST_F(BatchRuns, P18_WhateverRecordsHoldComesBack) {
  schema_ = CollectionSchema{.dim = 7};
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    config_.processing.sorting.order = SortingOrder::kNone;
    config_.processing.layout = seed % 2 == 0 ? FileLayout::kLegacy : FileLayout::kViper;
    config_.processing.enable_postprocessing = seed % 3 != 0;
    auto records = RandomRecords(seed, 300, 7);
    for (size_t row = 0; row < records.size(); ++row) {
      if (!records[row].timestamp) records[row].timestamp = Timestamp{static_cast<int64_t>(row)};
      if (seed % 2 == 0) records[row].expires_at.reset();
    }
    ASSERT_OK(Process(records)) << "seed=" << seed;
    EXPECT_EQ(Read(), records) << "seed=" << seed;
  }
}

TEST_F(BatchRuns, P07_WithoutModelsTheFileNamesNoneAndIsInOrderAllTheSame) {
  config_.processing.sorting.order = SortingOrder::kBySimilarity;
  const auto records = ClusteredRecords(2000, 8, 20);
  ASSERT_OK_AND_ASSIGN(const ProcessResult with, Process(records));
  ASSERT_TRUE(with.model.has_value());
  EXPECT_EQ(Layout().key_values.at("viper.order_model"), *with.model);
  config_.processing.enable_ml_optimizations = false;
  ASSERT_OK_AND_ASSIGN(const ProcessResult without, Process(records));
  EXPECT_EQ(without.model, std::nullopt);
  EXPECT_FALSE(Layout().key_values.contains("viper.order_model"));
  EXPECT_EQ(Layout().key_values.at("viper.order"), "by_similarity");
  EXPECT_LT(MeanNeighbourDistance(Read()), 0.6 * MeanNeighbourDistance(records));
}

TEST_F(BatchRuns, F20_LegacyFilesHaveFourColumnsAndGiveBackTheirMetadata) {
  config_.processing.layout = FileLayout::kLegacy;
  config_.processing.sorting.order = SortingOrder::kNone;
  auto records = ClusteredRecords(500, 8, 5);
  records[3].metadata = {};
  records[4].metadata["deep"] = Value::Object{{"a", Value::List{1, "x", nullptr}}};
  ASSERT_OK(Process(records));
  std::set<std::string> columns;
  const auto layout = Layout();
  for (const parquet::ColumnLayout& column : layout.columns) columns.insert(column.path);
  EXPECT_EQ(columns,
            (std::set<std::string>{"id", "created_at", "metadata", "vector.list.element"}));
  EXPECT_EQ(Read(), records);
  records[7].expires_at = Timestamp{kTestTime};
  EXPECT_STATUS(kInvalidArgument, "id='id-7'", Process(records));
  records[7].expires_at = Timestamp::Never();
  EXPECT_OK(Process(records));
}

/// A guess at the time of records may spread them over centuries.
TEST_F(BatchRuns, F21_ASeriesOfManyWindowsIsWrittenInLongerOnes) {
  config_.processing.layout = FileLayout::kTimeSeries;
  config_.processing.time_series.window_ms = 1;
  auto records = ClusteredRecords(40'000, 8, 5);
  for (size_t row = 0; row < records.size(); ++row) {
    records[row].timestamp = Timestamp{static_cast<int64_t>(row) * 86'400'000'000};
  }
  ASSERT_OK_AND_ASSIGN(const ProcessResult result, Process(records));
  EXPECT_EQ(result.entries_flushed, records.size());
  EXPECT_LE(result.row_groups, kWindowsMax);
  EXPECT_GT(result.row_groups, kWindowsMax / 3);
  EXPECT_GT(std::stoll(Layout().key_values.at("viper.window_ms")), 86'400'000);
  config_.processing.layout = FileLayout::kViper;
  config_.processing.batch_size = 1;
  config_.flushing.overwrite = true;
  EXPECT_STATUS(kInvalidArgument, "too many row groups: max=32767 actual=40000", Process(records));
  EXPECT_EQ(Read().size(), records.size()) << "what was there still is";
}

TEST_F(BatchRuns, F20_F21_TimeSeriesHaveSortedTimesOfTheirPrecisionAndARowGroupAWindow) {
  config_.processing.layout = FileLayout::kTimeSeries;
  config_.processing.time_series.window_ms = 60'000;
  auto records = ClusteredRecords(3000, 8, 5);
  records[0].timestamp = Timestamp{-1};
  const std::pair<TimePrecision, const char*> precisions[] = {
      {TimePrecision::kMillis, "milliseconds"},
      {TimePrecision::kMicros, "microseconds"},
      {TimePrecision::kNanos, "nanoseconds"}};
  for (const auto& [precision, unit] : precisions) {
    config_.processing.time_series.precision = precision;
    ASSERT_OK_AND_ASSIGN(const ProcessResult result, Process(records));
    const auto layout = Layout();
    EXPECT_NE(ColumnOf(layout, "_timestamp")->logical_type.find(unit), std::string::npos)
        << ColumnOf(layout, "_timestamp")->logical_type;
    const auto read = Read();
    ASSERT_EQ(read.size(), records.size());
    uint64_t shortened = 0;
    std::map<std::string, Timestamp> times;
    for (const Record& record : records) {
      int64_t micros = record.timestamp->micros;
      if (precision == TimePrecision::kMillis) {
        shortened += micros % 1000 != 0;
        micros = micros == -1 ? -1000 : micros - micros % 1000;
      }
      times[record.id] = Timestamp{micros};
    }
    EXPECT_EQ(result.shortened_times, shortened);
    std::set<int64_t> windows;
    for (size_t row = 0; row < read.size(); ++row) {
      EXPECT_EQ(read[row].timestamp, times[read[row].id]);
      EXPECT_LE(read[row == 0 ? 0 : row - 1].timestamp, read[row].timestamp);
      windows.insert(read[row].timestamp->micros < 0 ? -1
                                                     : read[row].timestamp->micros / 60'000'000);
    }
    EXPECT_EQ(result.row_groups, windows.size());
  }
  records[5].timestamp = Timestamp::Parse("2300-01-01").value();
  EXPECT_STATUS(kInvalidArgument, "id='id-5'", Process(records));
}

TEST_F(BatchRuns, F21_WindowsMayHaveAFileEachNamedAfterTheirBeginning) {
  config_.processing.layout = FileLayout::kTimeSeries;
  config_.processing.time_series.split = WindowSplit::kFiles;
  config_.processing.time_series.window_ms = 60'000;
  config_.flushing.overwrite = false;
  auto records = ClusteredRecords(3, 8, 1);
  records[0].timestamp = Timestamp::Parse("2026-11-22T08:00:30").value();
  records[1].timestamp = Timestamp::Parse("2026-11-22T08:01:00").value();
  records[2].timestamp = Timestamp::Parse("2026-11-22T08:00:00").value();
  ASSERT_OK_AND_ASSIGN(const ProcessResult result, Process(records));
  EXPECT_EQ(result.segments_created, 2u);
  EXPECT_EQ(result.entries_flushed, 3u);
  EXPECT_EQ(files_.List("/data/viper/docs").value(),
            (std::vector<std::string>{"batch.20261122T080000.000Z.parquet",
                                      "batch.20261122T080100.000Z.parquet"}));
  EXPECT_EQ(ReadRecords(files_, result.files[0].path).size(), 2u);
  EXPECT_EQ(ReadRecords(files_, result.files[1].path)[0].id, "id-1");
  records.resize(2);
  records[0].timestamp = Timestamp::Parse("2026-11-22T07:00:30").value();
  EXPECT_STATUS(kAlreadyExists, "080100.000Z", Process(records));
  EXPECT_EQ(files_.List("/data/viper/docs").value().size(), 2u) << "none of a refused call's files";
  // Nor of one that fails when the first of its files has its name already.
  records[1].timestamp = Timestamp::Parse("2026-11-22T06:00:00").value();
  files_.InjectFault({.operation = FileOperation::kLink, .skip = 1});
  EXPECT_STATUS(kIoError, "", Process(records));
  EXPECT_EQ(files_.List("/data/viper/docs").value().size(), 2u);
  EXPECT_OK(Process(records));
}

}  // namespace
}  // namespace viper::pipeline
