#include <functional>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "testing/status_matchers.h"
#include "viper/pipeline.h"

namespace viper {
namespace {

TEST(PipelineConfig, P02_TheDefaultsAreValid) { EXPECT_OK(PipelineConfig{}.Validate()); }

TEST(PipelineConfig, P17_WhatIsOutOfRangeIsNamedWithItsValueAndTheRange) {
  struct Case {
    std::function<void(PipelineConfig&)> spoil;
    std::string message;
  };
  const Case cases[] = {
      {[](auto& c) { c.processing.batch_size = 0; },
       "processing.batch_size is out of range: min=1 max=1048576 actual=0"},
      {[](auto& c) { c.flushing.row_group_rows = 0; },
       "flushing.row_group_rows is out of range: min=1 max=1048576 actual=0"},
      {[](auto& c) { c.flushing.compression.level = 23; },
       "flushing.compression.level is out of range: min=1 max=22 actual=23"},
      {[](auto& c) { c.flushing.compression.codec = static_cast<Codec>(9); },
       "flushing.compression.codec is unknown: min=0 max=3 actual=9"},
      {[](auto& c) { c.flushing.storage_policy = static_cast<StoragePolicy>(7); },
       "flushing.storage_policy is out of range: min=0 max=1 actual=7"},
      {[](auto& c) { c.flushing.vector_format = static_cast<VectorFormat>(7); },
       "flushing.vector_format is out of range: min=0 max=2 actual=7"},
      {[](auto& c) { c.flushing.sparsity_threshold = std::numeric_limits<double>::quiet_NaN(); },
       "flushing.sparsity_threshold is out of range: min=0 max=1 actual=nan"},
      {[](auto& c) { c.processing.layout = static_cast<FileLayout>(3); },
       "processing.layout is unknown: min=0 max=2 actual=3"},
      {[](auto& c) { c.processing.sorting.order = static_cast<SortingOrder>(4); },
       "processing.sorting.order is unknown: min=0 max=3 actual=4"},
      {[](auto& c) { c.processing.time_series.precision = static_cast<TimePrecision>(3); },
       "processing.time_series.precision is unknown: min=0 max=2 actual=3"},
      {[](auto& c) { c.processing.time_series.split = static_cast<WindowSplit>(2); },
       "processing.time_series.split is unknown: min=0 max=1 actual=2"},
      {[](auto& c) { c.processing.time_series.window_ms = 0; },
       "processing.time_series.window_ms is out of range: min=1 max=3155760000000 actual=0"},
      {[](auto& c) { c.compaction.worker_count = 65; },
       "compaction.worker_count is out of range: min=0 max=64 actual=65"},
      {[](auto& c) { c.compaction.target_file_size_mb = 0; },
       "compaction.target_file_size_mb is out of range: min=1 max=4096 actual=0"},
      {[](auto& c) { c.compaction.interval_ms = 0; },
       "compaction.interval_ms is out of range: min=1 max=86400000 actual=0"},
      {[](auto& c) { c.compaction.max_files_per_merge = 1; },
       "compaction.max_files_per_merge is out of range: min=2 max=10000 actual=1"},
      {[](auto& c) { c.compaction.retries = 101; },
       "compaction.retries is out of range: min=0 max=100 actual=101"},
      {[](auto& c) { c.compaction.reclustering_quality_threshold = -0.5; },
       "compaction.reclustering_quality_threshold is out of range: min=0 max=1 actual=-0.5"},
  };
  for (const Case& test : cases) {
    PipelineConfig config;
    test.spoil(config);
    EXPECT_STATUS(kInvalidArgument, test.message, config.Validate());
    EXPECT_STATUS(kInvalidArgument, test.message, Pipeline::Make(config).status());
  }
}

TEST(PipelineConfig, P17_WhatContradictsItselfIsNamedWithBothValues) {
  struct Case {
    std::function<void(PipelineConfig&)> spoil;
    std::string message;
  };
  const Case cases[] = {
      {[](auto& c) { c.processing.sorting = {SortingOrder::kByMetadata, {}}; },
       "processing.sorting.order=by_metadata processing.sorting.fields=(0 keys)"},
      {[](auto& c) { c.processing.sorting = {SortingOrder::kByTime, {"a"}}; },
       "processing.sorting.order=by_time processing.sorting.fields=(1 keys)"},
      {[](auto& c) {
         c.processing.layout = FileLayout::kTimeSeries;
         c.processing.sorting.order = SortingOrder::kBySimilarity;
       },
       "processing.layout=time_series processing.sorting.order=by_similarity"},
      {[](auto& c) {
         c.processing.layout = FileLayout::kTimeSeries;
         c.processing.enable_preprocessing = false;
       },
       "processing.layout=time_series processing.enable_preprocessing=false"},
      {[](auto& c) {
         c.processing.layout = FileLayout::kLegacy;
         c.flushing.vector_format = VectorFormat::kSparse;
       },
       "processing.layout=legacy flushing.vector_format=sparse"},
      {[](auto& c) {
         c.flushing.enable_adaptive_compression = true;
         c.processing.enable_postprocessing = false;
       },
       "flushing.enable_adaptive_compression=true processing.enable_postprocessing=false"},
  };
  for (const Case& test : cases) {
    PipelineConfig config;
    test.spoil(config);
    EXPECT_STATUS(kInvalidArgument, test.message, config.Validate());
  }
}

TEST(PipelineConfig, NamesComeBackAndUnknownOnesListWhatIsKnown) {
  for (const auto order : {SortingOrder::kNone, SortingOrder::kByTime, SortingOrder::kByMetadata,
                           SortingOrder::kBySimilarity}) {
    EXPECT_EQ(ParseSortingOrder(SortingOrderName(order)).value(), order);
  }
  for (const auto layout : {FileLayout::kViper, FileLayout::kLegacy, FileLayout::kTimeSeries}) {
    EXPECT_EQ(ParseFileLayout(FileLayoutName(layout)).value(), layout);
  }
  for (const auto precision :
       {TimePrecision::kMillis, TimePrecision::kMicros, TimePrecision::kNanos}) {
    EXPECT_EQ(ParseTimePrecision(TimePrecisionName(precision)).value(), precision);
  }
  for (const auto type :
       {CompactionTaskType::kMergeFiles, CompactionTaskType::kRecluster,
        CompactionTaskType::kReorganizeFeatures, CompactionTaskType::kRecompress}) {
    EXPECT_EQ(ParseCompactionTaskType(CompactionTaskTypeName(type)).value(), type);
  }
  for (const auto priority :
       {TaskPriority::kLow, TaskPriority::kNormal, TaskPriority::kHigh, TaskPriority::kCritical}) {
    EXPECT_EQ(ParseTaskPriority(TaskPriorityName(priority)).value(), priority);
  }
  EXPECT_STATUS(kInvalidArgument, "expected=viper|legacy|time_series actual='iceberg'",
                ParseFileLayout("iceberg").status());
}

}  // namespace
}  // namespace viper
