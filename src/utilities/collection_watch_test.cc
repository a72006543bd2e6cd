#include "utilities/collection_watch.h"

#include "utilities/model_history.h"
#include "utilities/utilities_fixture.h"

namespace viper {
namespace {

class CollectionWatch : public UtilitiesFixture {
 protected:
  void WriteRange(Collection& collection, int first, int last) {
    std::vector<Record> records;
    for (int i = first; i < last; ++i) {
      Record& record = records.emplace_back();
      record.id = "id" + std::to_string(i);
      record.vector.assign(collection.dim(), static_cast<float>(i) * 0.7F);
      record.metadata["text"] = "value number " + std::to_string(i * 7919);
    }
    ASSERT_OK(collection.Upsert(records));
  }
};

TEST_F(CollectionWatch, M4_ResourcesAreThoseOfTheCollection) {
  Open();
  const auto collection = Create("a");
  WriteRange(*collection, 0, 1000);
  MakeUtilities();
  ResourceReport report = utilities_->Resources();
  ASSERT_EQ(report.collections.size(), 1u);
  EXPECT_EQ(report.collections[0].collection, "a");
  EXPECT_EQ(report.collections[0].rows_to_flush, 1000u);
  EXPECT_EQ(report.collections[0].table_bytes, 0u);
  EXPECT_GT(report.collections[0].log_bytes, 0u);
  EXPECT_GT(report.collections[0].memory_bytes, 0u);
  EXPECT_GT(report.engine_memory.rows, 0u);
  EXPECT_TRUE(report.process.resident_bytes.has_value());
  ASSERT_OK(collection->Flush());
  report = utilities_->Resources();
  EXPECT_EQ(report.collections[0].rows_to_flush, 0u);
  EXPECT_EQ(report.collections[0].table_bytes, collection->Statistics().part_bytes);
  EXPECT_EQ(report.collections[0].rows_to_index, std::nullopt);
  // They are in the performance report too, of its scope.
  Create("b");
  ASSERT_OK_AND_ASSIGN(const auto performance, utilities_->GetPerformanceStats("a"));
  ASSERT_TRUE(performance.resources.has_value());
  EXPECT_EQ(performance.resources->collections.size(), 1u);
}

TEST_F(CollectionWatch, M4_RowsThatWaitForTheIndexAreCounted) {
  options_.index_min_rows = 500;
  Open();
  const auto collection = Create("a", 8);
  WriteRange(*collection, 0, 1000);
  ASSERT_OK(collection->Flush());
  ASSERT_OK(collection->BuildIndex());
  EXPECT_EQ(utilities::ResourcesOf(*collection).rows_to_index, 0u);
  WriteRange(*collection, 1000, 1300);
  ASSERT_OK(collection->Flush());
  EXPECT_EQ(utilities::ResourcesOf(*collection).rows_to_index, 300u);
  EXPECT_GT(utilities::ResourcesOf(*collection).index_bytes, 0u);
}

TEST_F(CollectionWatch, M5_TwiceTheDataIsPredictedAndTheErrorTold) {
  config_.stats.collection_interval_ms = 1;
  Open();
  const auto collection = Create("a", 8);
  MakeUtilities();
  EXPECT_STATUS(kNotFound, "'a'", utilities_->Predict("a", 2));
  const auto observe = [&] {
    ASSERT_OK(utilities_->StartServices());
    const auto runs = [&] { return utilities_->Services()[1].runs; };
    const uint64_t before = runs();
    WaitFor([&] { return runs() >= before + 2; });
    ASSERT_OK(utilities_->StopServices());
  };
  for (int step = 0; step < 5; ++step) {
    WriteRange(*collection, step * 1000, (step + 1) * 1000);
    ASSERT_OK(collection->Flush());
    for (int i = 0; i < 10; ++i) {
      ASSERT_OK(collection->Search(std::vector<float>(8, static_cast<float>(i))));
    }
    observe();
    ASSERT_OK_AND_ASSIGN(const auto prediction, utilities_->Predict("a", 2));
    EXPECT_EQ(prediction.bytes.has_value(), step >= 3);
  }
  ASSERT_OK_AND_ASSIGN(const auto prediction, utilities_->Predict("a", 2));
  EXPECT_NEAR(prediction.rows, 10'000, 1);
  ASSERT_TRUE(prediction.bytes && prediction.latency_ms);
  EXPECT_GT(prediction.latency_ms->value, 0);
  EXPECT_GE(prediction.bytes->points, 5u);
  ASSERT_TRUE(prediction.bytes->past_error.has_value());
  EXPECT_LT(*prediction.bytes->past_error, 0.3);
  for (int step = 5; step < 10; ++step) {
    WriteRange(*collection, step * 1000, (step + 1) * 1000);
    ASSERT_OK(collection->Flush());
  }
  const auto actual = static_cast<double>(collection->Statistics().part_bytes);
  EXPECT_NEAR(prediction.bytes->value, actual, 0.3 * actual);
}

TEST_F(CollectionWatch, M5_WhatIsKnownOfADroppedCollectionTellsNothingOfTheNext) {
  Open();
  utilities::ModelHistory history;
  utilities::ModelObserver observer(*engine_, history);
  for (const size_t dim : {8, 2}) {
    auto collection = Create("a", dim);
    for (int step = 0; step < 3; ++step) {
      WriteRange(*collection, step * 100, (step + 1) * 100);
      ASSERT_OK(collection->Flush());
      ASSERT_OK(observer.Observe());
    }
    EXPECT_EQ(history.PointsOf("a").size(), 3u);
    collection.reset();
    ASSERT_OK(engine_->DropCollection("a"));
  }
  ASSERT_OK(observer.Observe());
  EXPECT_TRUE(history.PointsOf("a").empty());
}

}  // namespace
}  // namespace viper
