#include <algorithm>
#include <atomic>

#include "pipeline/pipeline_fixture.h"

namespace viper {
namespace {

using pipeline::ClusteredRecords;

/// Drops odd rows, names the rest, and leaves a mark in the footer.
class CountingProcessor : public RecordProcessor {
 public:
  std::string_view name() const override { return "counting"; }
  Status Preprocess(std::vector<Record>& records) override {
    ++preprocessed;
    std::vector<Record> kept;
    for (size_t row = 0; row < records.size(); row += 2) kept.push_back(std::move(records[row]));
    records = std::move(kept);
    return pre;
  }
  Status Postprocess(FileSummary& file) override {
    ++postprocessed;
    rows = file.row_count;
    for (ColumnSummary& column : file.columns) {
      if (column.name == drop) column.drop = true;
      if (column.name == keep) column.drop = false;
      column.null_count = 77;  // is not believed
    }
    file.key_values = key_values;
    return {};
  }

  Status pre;
  std::string drop;
  std::string keep;
  std::map<std::string, std::string> key_values = {{"mark", "mine"}};
  std::atomic<int> preprocessed{0};
  std::atomic<int> postprocessed{0};
  uint64_t rows = 0;
};

class Processors : public pipeline::PipelineFixture {
 protected:
  Processors() {
    schema_ = pipeline::ClusteredSchema(4);
    config_.flushing.overwrite = true;
  }
  const std::shared_ptr<CountingProcessor> processor_ = std::make_shared<CountingProcessor>();
};

TEST_F(Processors, P23_AUsersHooksAreCalledOnceAndWhatTheyDoIsInTheFile) {
  ASSERT_OK_AND_ASSIGN(const ProcessResult result,
                       Process(ClusteredRecords(100, 4, 2), processor_));
  EXPECT_EQ(processor_->preprocessed, 1);
  EXPECT_EQ(processor_->postprocessed, 1);
  EXPECT_EQ(processor_->rows, 50u);
  EXPECT_EQ(result.entries_flushed, 50u);
  EXPECT_EQ(result.processor, "counting");
  EXPECT_EQ(Layout().key_values.at("mark"), "mine");
  EXPECT_EQ(Layout().key_values.at("viper.processor"), "counting");
}

TEST_F(Processors, P04_P05_P23_HooksAreNotCalledWithTheirSwitchesOff) {
  config_.processing.enable_preprocessing = false;
  config_.processing.enable_postprocessing = false;
  ASSERT_OK_AND_ASSIGN(const ProcessResult result,
                       Process(ClusteredRecords(100, 4, 2), processor_));
  EXPECT_EQ(processor_->preprocessed + processor_->postprocessed, 0);
  EXPECT_EQ(result.entries_flushed, 100u);
}

TEST_F(Processors, P23_WhatAHookMayNotDoIsRefusedAndNamesIt) {
  processor_->pre = Status::ResourceExhausted("no room");
  EXPECT_STATUS(kResourceExhausted, "processor 'counting': no room",
                Process(ClusteredRecords(10, 4, 2), processor_));
  processor_->pre = {};
  processor_->drop = "category";
  EXPECT_STATUS(kInvalidArgument, "name=category is_optional=true values=5",
                Process(ClusteredRecords(10, 4, 2), processor_));
  processor_->drop = "";
  processor_->key_values = {{"viper.dim", "9"}};
  EXPECT_STATUS(kInvalidArgument, "key=viper.dim", Process(ClusteredRecords(10, 4, 2), processor_));
  EXPECT_FALSE(files_.Exists(path_).value());
}

TEST_F(Processors, P23_AHookMayKeepAColumnThatNobodyHasAValueFor) {
  processor_->keep = "_expires_at";
  ASSERT_OK(Process(ClusteredRecords(10, 4, 2), processor_));
  const auto layout = Layout();
  EXPECT_NE(pipeline::ColumnOf(layout, "_expires_at"), nullptr);
}

TEST_F(Processors, F21_BuiltInProcessorsDifferInOrderAndRowGroups) {
  const auto records = ClusteredRecords(2000, 4, 10);
  config_.processing.sorting.order = SortingOrder::kNone;
  ASSERT_OK_AND_ASSIGN(ProcessResult result, Process(records, MakeStandardProcessor()));
  EXPECT_EQ(result.processor, "standard");
  EXPECT_EQ(Read(), records);
  ASSERT_OK_AND_ASSIGN(result, Process(records, MakeSimilarityProcessor()));
  EXPECT_EQ(result.processor, "similarity");
  EXPECT_EQ(result.order, SortingOrder::kBySimilarity);
  EXPECT_LT(pipeline::MeanNeighbourDistance(Read()),
            0.5 * pipeline::MeanNeighbourDistance(records));
  ASSERT_OK_AND_ASSIGN(const auto series, MakeTimeSeriesProcessor(60'000));
  ASSERT_OK_AND_ASSIGN(result, Process(records, series));
  EXPECT_EQ(result.processor, "time_series");
  const auto read = Read();
  EXPECT_TRUE(std::is_sorted(read.begin(), read.end(), [](const auto& a, const auto& b) {
    return a.timestamp < b.timestamp;
  }));
  EXPECT_GT(result.row_groups, 10u);
  EXPECT_STATUS(kInvalidArgument, "window_ms=0", MakeTimeSeriesProcessor(0));
}

}  // namespace
}  // namespace viper
