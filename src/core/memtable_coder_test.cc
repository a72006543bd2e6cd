// Searches of collections of which many rows are in memory, against comparing with every row.

#include "core/memtable_coder.h"

#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/indexed_collection_fixture.h"

namespace viper::core {
namespace {

class MemtableCoderTest : public IndexedCollectionFixture {
 protected:
  /// 6,000 rows in the table and in the index, then others in memory.
  void CreateWithIndexedTable() {
    CreateIndexed();
    Write(0, 6000);
    ASSERT_OK(collection_->Flush());
    ASSERT_OK(collection_->BuildIndex());
  }

  SearchExplanation ExplainQuery(const std::string& filter_text = "") {
    SearchOptions options;
    options.filter = Filter::Parse(filter_text).value();
    options.nprobe = 10;
    auto explained = collection_->Explain(RandomVector(), options);
    EXPECT_OK(explained);
    return explained.ok() ? *explained : SearchExplanation();
  }

  /// All ids; each row is in one place, and nowhere twice.
  std::set<std::string> ExpectEveryRowOnce(size_t count) {
    SearchOptions options;
    options.k = count + 1;
    options.nprobe = 1;
    const std::vector<std::string> ids = Ids(RandomVector(), options);
    EXPECT_EQ(ids.size(), count);
    std::set<std::string> distinct(ids.begin(), ids.end());
    EXPECT_EQ(distinct.size(), count);
    return distinct;
  }
};

TEST_F(MemtableCoderTest, RowsInMemoryAreSearchedByTheirCodes) {
  CreateWithIndexedTable();
  Write(6000, 12000);
  EXPECT_EQ(ExplainQuery().compared_rows, 6000U);
  const uint64_t bytes = collection_->Statistics().memory_bytes;
  ASSERT_OK(collection_->BuildIndex());
  EXPECT_EQ(ExplainQuery().compared_rows, 0U);
  EXPECT_GT(collection_->Statistics().memory_bytes, bytes);
  EXPECT_GE(Recall(0.95), 0.93);
  EXPECT_GE(Recall(0.95, "year < 2005"), 0.93);
  EXPECT_GE(Recall(0.99), 0.98);
}

TEST_F(MemtableCoderTest, TheLastFewRowsAreComparedAndEveryRowIsFound) {
  CreateWithIndexedTable();
  Write(6000, 16000);
  ASSERT_OK(collection_->BuildIndex());
  Write(16000, 16400);
  ASSERT_OK(collection_->BuildIndex());
  EXPECT_EQ(ExplainQuery().compared_rows, 400U);
  ExpectEveryRowOnce(16400);
  EXPECT_GE(Recall(0.99), 0.98);
}

TEST_F(MemtableCoderTest, SegmentsFollowEachOtherAndAreTakenTogether) {
  CreateWithIndexedTable();
  Write(6000, 16000);
  ASSERT_OK(collection_->BuildIndex());
  const uint64_t one = collection_->Statistics().memory_bytes;
  // One of 10,000 rows and one of 5,000 that follow.
  Write(16000, 21000);
  ASSERT_OK(collection_->BuildIndex());
  EXPECT_GT(collection_->Statistics().memory_bytes, one);
  EXPECT_EQ(ExplainQuery().compared_rows, 0U);
  ExpectEveryRowOnce(21000);
  EXPECT_GE(Recall(0.99), 0.98);
  EXPECT_GE(Recall(0.99, "year < 2005"), 0.97);
  // Of the second no row that is gone comes back, and no other is missed.
  std::vector<std::string> deleted;
  for (int i = 16500; i < 17500; ++i) deleted.push_back("id" + std::to_string(i));
  ASSERT_OK(collection_->Delete(deleted));
  const std::set<std::string> left = ExpectEveryRowOnce(20000);
  for (const std::string& id : deleted) EXPECT_FALSE(left.contains(id)) << id;
  EXPECT_GE(Recall(0.99), 0.98);
  // As many as both: all become one.
  Write(21000, 36000);
  ASSERT_OK(collection_->BuildIndex());
  EXPECT_EQ(ExplainQuery().compared_rows, 0U);
  ExpectEveryRowOnce(35000);
}

TEST_F(MemtableCoderTest, OverwrittenAndDeletedRowsAreNoAnswers) {
  CreateWithIndexedTable();
  Write(6000, 11000);
  ASSERT_OK(collection_->BuildIndex());
  ASSERT_OK_AND_ASSIGN(const Record deleted, collection_->Get("id7000"));
  ASSERT_OK_AND_ASSIGN(const Record overwritten, collection_->Get("id8000"));
  const std::vector<std::string> ids = {"id7000"};
  ASSERT_OK(collection_->Delete(ids));
  Write(8000, 8001);
  SearchOptions options;
  options.k = 20;
  for (const Record* record : {&deleted, &overwritten}) {
    ASSERT_OK_AND_ASSIGN(const Hits hits, collection_->Search(record->vector, options));
    ASSERT_EQ(hits.size(), 20U);
    for (const Hit& hit : hits) {
      EXPECT_GT(hit.distance, 0) << hit.id;
      EXPECT_NE(hit.id, deleted.id);
    }
  }
  EXPECT_GE(Recall(0.99), 0.98);
}

TEST_F(MemtableCoderTest, SnapshotsSeeTheRowsOfTheirTimeOnly) {
  CreateWithIndexedTable();
  Write(6000, 11000);
  const Snapshot before = collection_->GetSnapshot();
  Write(11000, 18000);
  ASSERT_OK(collection_->BuildIndex());
  SearchOptions options;
  options.k = 11000;
  options.recall = 0.99;
  ASSERT_OK_AND_ASSIGN(const Hits hits, before.Search(RandomVector(), options));
  EXPECT_EQ(hits.size(), 11000U);
  EXPECT_EQ(ExplainQuery().compared_rows, 0U);
}

TEST_F(MemtableCoderTest, CodesGoWithTheMemtable) {
  CreateWithIndexedTable();
  Write(6000, 11000);
  ASSERT_OK(collection_->BuildIndex());
  ASSERT_OK(collection_->Flush());
  EXPECT_EQ(ExplainQuery().compared_rows, 5000U);
  EXPECT_EQ(collection_->Statistics().memory_rows, 0U);
  EXPECT_LT(collection_->Statistics().memory_bytes, 1U << 20);
  ASSERT_OK(collection_->BuildIndex());
  EXPECT_EQ(ExplainQuery().compared_rows, 0U);
  EXPECT_GE(Recall(0.95), 0.93);
}

TEST_F(MemtableCoderTest, TheBackgroundCodesWhatIsWritten) {
  options_.background_index = true;
  CreateWithIndexedTable();
  Write(6000, 14000);
  // Searching goes on meanwhile, and soon has little left to compare.
  uint64_t compared = 8000;
  for (int i = 0; i < 100'000 && compared > 512; ++i) compared = ExplainQuery().compared_rows;
  EXPECT_LE(compared, 512U);
}

}  // namespace
}  // namespace viper::core
