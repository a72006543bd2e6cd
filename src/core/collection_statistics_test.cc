#include "core/collection_fixture.h"

namespace viper::core {
namespace {

class CollectionOperationsTest : public CollectionFixture {
 protected:
  const OperationSummary* Find(const CollectionOperations& operations, std::string_view name) {
    for (const OperationSummary& summary : operations.operations) {
      if (summary.name == name) return &summary;
    }
    return nullptr;
  }
};

TEST_F(CollectionOperationsTest, M1_NKnownOperationsAreCountedAtOnce) {
  Create();
  for (int i = 0; i < 7; ++i) ASSERT_OK(collection_->Upsert(At(std::to_string(i), 1, 2)));
  ASSERT_OK(collection_->Insert(At("new", 1, 2)));
  EXPECT_STATUS(kAlreadyExists, "", collection_->Insert(At("new", 1, 2)));
  for (int i = 0; i < 5; ++i) Nearest(1, 2);
  EXPECT_STATUS(kInvalidArgument, "", collection_->Search(std::vector<float>{1}));
  const std::vector<float> queries = {1, 2, 3, 4};
  ASSERT_OK(collection_->SearchBatch({queries, 2}));
  ASSERT_OK(collection_->Get("3"));
  EXPECT_STATUS(kNotFound, "", collection_->Get("none"));
  ASSERT_OK(collection_->GetSnapshot().Get("3"));
  ASSERT_OK(collection_->Delete(std::vector<std::string>{"0", "1", "none"}));
  ASSERT_OK(collection_->Flush());
  (void)collection_->Statistics();
  const CollectionOperations operations = collection_->Operations();
  EXPECT_EQ(operations.collection, "docs");
  struct Expected {
    const char* name;
    uint64_t count, failures, records;
  };
  for (const Expected& expected : {Expected{"upsert", 7, 0, 7},
                                   {"insert", 2, 1, 1},
                                   {"search", 6, 1, 40},
                                   {"search_batch", 1, 0, 16},
                                   {"get", 3, 0, 2},
                                   {"delete", 1, 0, 2},
                                   {"flush", 1, 0, 0}}) {
    const OperationSummary* summary = Find(operations, expected.name);
    ASSERT_NE(summary, nullptr) << expected.name;
    EXPECT_EQ(summary->count, expected.count) << expected.name;
    EXPECT_EQ(summary->failures, expected.failures) << expected.name;
    EXPECT_EQ(summary->records, expected.records) << expected.name;
    EXPECT_GT(summary->total_nanoseconds, 0u);
    EXPECT_GE(static_cast<double>(summary->max_nanoseconds), summary->p99_nanoseconds);
    EXPECT_GE(summary->p99_nanoseconds, summary->p50_nanoseconds);
    EXPECT_DOUBLE_EQ(summary->mean_nanoseconds, static_cast<double>(summary->total_nanoseconds) /
                                                    static_cast<double>(summary->count));
  }
  EXPECT_EQ(operations.operations.size(), 7u);
  EXPECT_EQ(operations.searches.searches, 7u);
  EXPECT_DOUBLE_EQ(*operations.searches.mean_k, 10);
  EXPECT_NEAR(*operations.searches.mean_recall, 0.95, 1e-6);
}

TEST_F(CollectionOperationsTest, O6_FieldsThatFiltersNameAreCounted) {
  Create();
  SearchOptions options;
  ASSERT_OK_AND_ASSIGN(options.filter,
                       Filter::Parse("year > 3 AND (year < 9 OR NOT author.name = 'x')"));
  Nearest(1, 2, options);
  Nearest(1, 2, options);
  Nearest(1, 2);
  Count("year = 4");
  ASSERT_OK_AND_ASSIGN(const Filter by_tag, Filter::Parse("tag = 'x'"));
  ASSERT_OK(collection_->DeleteWhere(by_tag));
  const CollectionOperations operations = collection_->Operations();
  ASSERT_EQ(operations.filter_fields.size(), 3u);
  EXPECT_EQ(operations.filter_fields[0].field, "year");
  EXPECT_EQ(operations.filter_fields[0].count, 3u);
  EXPECT_EQ(operations.filter_fields[1].field, "author.name");
  EXPECT_EQ(operations.filter_fields[1].count, 2u);
  EXPECT_EQ(operations.filter_fields[2].field, "tag");
  EXPECT_EQ(operations.searches.filtered, 2u);
  EXPECT_EQ(operations.searches.searches, 3u);
}

TEST_F(CollectionOperationsTest, U05_SwitchedOffNothingIsCounted) {
  options_.operation_metrics = false;
  Create();
  ASSERT_OK(collection_->Upsert(At("a", 1, 2)));
  Nearest(1, 2);
  EXPECT_TRUE(collection_->Operations().operations.empty());
  EXPECT_EQ(collection_->Statistics().searches, 1u);
}

TEST_F(CollectionOperationsTest, M1_TheEngineKeepsCountsOfClosedCollectionsAndForgetsDroppedOnes) {
  ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
  ASSERT_OK_AND_ASSIGN(collection_, engine.CreateCollection("docs", Schema()));
  ASSERT_OK(collection_->Upsert(At("a", 1, 2)));
  ASSERT_EQ(engine.OpenCollections().size(), 1u);
  EXPECT_EQ(engine.OpenCollections()[0].get(), collection_.get());
  collection_.reset();
  EXPECT_TRUE(engine.OpenCollections().empty());
  ASSERT_EQ(engine.Operations().size(), 1u);
  const uint64_t epoch = engine.Operations()[0].epoch;
  EXPECT_EQ(engine.Operations()[0].operations.size(), 1u);
  ASSERT_OK_AND_ASSIGN(collection_, engine.OpenCollection("docs"));
  ASSERT_OK(collection_->Upsert(At("b", 1, 2)));
  EXPECT_EQ(collection_->Operations().operations[0].count, 2u);
  EXPECT_EQ(collection_->Operations().epoch, epoch);
  collection_.reset();
  ASSERT_OK(engine.DropCollection("docs"));
  EXPECT_TRUE(engine.Operations().empty());
  ASSERT_OK_AND_ASSIGN(collection_, engine.CreateCollection("docs", Schema()));
  EXPECT_NE(collection_->Operations().epoch, epoch);
  EXPECT_TRUE(collection_->Operations().operations.empty());
}

}  // namespace
}  // namespace viper::core
