#include "core/view_search.h"

#include <stop_token>
#include <string>
#include <vector>

#include "base/random.h"
#include "core/collection_fixture.h"

namespace viper::core {
namespace {

constexpr size_t kDim = 64;

/// Every look at it takes a second.
class TickingClock final : public Clock {
 public:
  Timestamp Now() const override { return {micros_ += 1'000'000}; }

 private:
  mutable int64_t micros_ = 1'700'000'000'000'000;
};

class ViewSearchTest : public CollectionFixture {
 protected:
  ViewSearchTest() {
    options_.background_index = false;
    options_.index_min_rows = 1000;
  }

  void CreateRows(int count) {
    ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
    CollectionSchema schema = Schema();
    schema.dim = kDim;
    ASSERT_OK_AND_ASSIGN(collection_, engine.CreateCollection("docs", schema));
    Write(0, count);
    ASSERT_OK(collection_->Flush());
  }

  void Write(int first, int last) {
    std::vector<Record> records;
    for (int i = first; i < last; ++i) {
      Record record;
      record.id = "id" + std::to_string(i);
      record.vector = RandomVector();
      record.metadata = {{"year", i}};
      records.push_back(std::move(record));
    }
    ASSERT_OK(collection_->Upsert(records));
  }

  std::vector<float> RandomVector() {
    std::vector<float> vector(kDim);
    for (float& x : vector) x = static_cast<float>(random_.Uniform(1000));
    return vector;
  }

  SearchExplanation Explain(const SearchOptions& options) {
    auto told = collection_->Explain(RandomVector(), options);
    EXPECT_OK(told);
    return told.ok() ? std::move(*told) : SearchExplanation();
  }

  static SearchOptions Filtered(const std::string& filter) {
    SearchOptions options;
    options.filter = Filter::Parse(filter).value();
    return options;
  }

  Random random_{7};
};

TEST_F(ViewSearchTest, ExplainsASearchWithoutAnIndex) {
  CreateRows(500);
  const SearchExplanation told = Explain(Filtered("year < 100"));
  EXPECT_EQ(told.plan, SearchPlan::kExact);
  EXPECT_EQ(told.rows, 500U);
  EXPECT_EQ(told.selected_rows, 100U);
  EXPECT_EQ(told.compared_rows, 100U);
  EXPECT_FALSE(told.index_estimate_us.has_value());
  EXPECT_FALSE(told.clusters.has_value());
  EXPECT_FALSE(told.scanned_rows.has_value());
  EXPECT_EQ(told.hits.size(), 10U);
  EXPECT_GT(told.exact_estimate_us, 0);
}

TEST_F(ViewSearchTest, ExplainsASearchThroughTheIndex) {
  CreateRows(6000);
  ASSERT_OK(collection_->BuildIndex());
  Write(6000, 6007);
  const SearchExplanation told = Explain({});
  EXPECT_EQ(told.plan, SearchPlan::kIndex);
  EXPECT_EQ(told.rows, 6007U);
  EXPECT_EQ(told.selected_rows, 6007U);
  EXPECT_EQ(told.compared_rows, 7U);
  EXPECT_EQ(told.clusters, told.selected_clusters);
  EXPECT_GE(*told.probed_clusters, 1U);
  EXPECT_LE(*told.probed_clusters, *told.clusters);
  EXPECT_GE(*told.scanned_rows, *told.byte_rows);
  EXPECT_GE(*told.float_rows, 10U);
  EXPECT_LT(*told.index_estimate_us, told.exact_estimate_us);
  // The hits are those of a search.
  const std::vector<float> query = RandomVector();
  ASSERT_OK_AND_ASSIGN(const SearchExplanation again, collection_->Explain(query));
  ASSERT_OK_AND_ASSIGN(const Hits hits, collection_->Search(query));
  ASSERT_EQ(again.hits.size(), hits.size());
  for (size_t i = 0; i < hits.size(); ++i) EXPECT_EQ(again.hits[i].id, hits[i].id);
}

TEST_F(ViewSearchTest, TellsWhatAFilterLeavesAndThatItWasKept) {
  CreateRows(6000);
  ASSERT_OK(collection_->BuildIndex());
  SearchOptions options = Filtered("year >= 5970");
  options.nprobe = 1000;
  SearchExplanation told = Explain(options);
  EXPECT_FALSE(told.selection_was_cached);
  EXPECT_EQ(told.plan, SearchPlan::kIndex);
  EXPECT_EQ(told.selected_rows, 30U);
  EXPECT_LE(*told.selected_clusters, 30U);
  EXPECT_EQ(told.probed_clusters, told.selected_clusters);
  EXPECT_LE(*told.scanned_rows, 64U * 30U);
  told = Explain(Filtered("year>=5970"));
  EXPECT_TRUE(told.selection_was_cached);
  // So few rows are compared without the index, which was considered.
  EXPECT_EQ(told.plan, SearchPlan::kExact);
  EXPECT_EQ(told.compared_rows, 30U);
  EXPECT_TRUE(told.index_estimate_us.has_value());
  EXPECT_FALSE(told.probed_clusters.has_value());
  Write(6000, 6001);
  EXPECT_FALSE(Explain(Filtered("year >= 5970")).selection_was_cached);
}

TEST_F(ViewSearchTest, ExactMeansExact) {
  CreateRows(2000);
  ASSERT_OK(collection_->BuildIndex());
  SearchOptions options;
  options.exact = true;
  EXPECT_EQ(Explain(options).plan, SearchPlan::kExact);
}

TEST_F(ViewSearchTest, RerankLimitsTheFloatsRead) {
  CreateRows(6000);
  ASSERT_OK(collection_->BuildIndex());
  SearchOptions options;
  options.nprobe = 1000;
  options.k = 20;
  options.rerank = 25;
  SearchExplanation told = Explain(options);
  EXPECT_LE(*told.float_rows, 25U);
  EXPECT_EQ(told.hits.size(), 20U);
  // Fewer than k would leave answers out.
  options.rerank = 1;
  told = Explain(options);
  EXPECT_LE(*told.float_rows, 20U);
  EXPECT_EQ(told.hits.size(), 20U);
}

TEST_F(ViewSearchTest, AStoppedSearchSaysHowFarItGot) {
  CreateRows(3000);
  ASSERT_OK(collection_->BuildIndex());
  std::stop_source source;
  SearchOptions options;
  options.stop = source.get_token();
  ASSERT_OK(collection_->Search(RandomVector(), options));
  source.request_stop();
  EXPECT_STATUS(kCancelled, "in the index, after 0 blocks",
                collection_->Search(RandomVector(), options));
  options.exact = true;
  EXPECT_STATUS(kCancelled, "after comparing 0 of 3000 rows",
                collection_->Search(RandomVector(), options));
  options.filter = Filter::Parse("year > 3").value();
  EXPECT_STATUS(kCancelled, "in the filter, after 0 of 3000 rows of part",
                collection_->Search(RandomVector(), options));
  EXPECT_STATUS(kCancelled, "in the filter", collection_->Explain(RandomVector(), options));
  // What was given up is not kept.
  options.stop = {};
  ASSERT_OK_AND_ASSIGN(const Hits hits, collection_->Search(RandomVector(), options));
  EXPECT_EQ(hits.size(), 10U);
}

TEST_F(ViewSearchTest, ADeadlineIsByTheEnginesClock) {
  TickingClock clock;
  options_.clock = &clock;
  CreateRows(3000);
  ASSERT_OK(collection_->BuildIndex());
  SearchOptions options;
  options.timeout_ms = 1000;
  EXPECT_STATUS(kDeadlineExceeded, "timeout_ms=1000", collection_->Search(RandomVector(), options));
  options.exact = true;
  EXPECT_STATUS(kDeadlineExceeded, "rows: timeout_ms=1000",
                collection_->Search(RandomVector(), options));
  options.timeout_ms = 3'600'000;
  EXPECT_OK(collection_->Search(RandomVector(), options));
}

}  // namespace
}  // namespace viper::core
