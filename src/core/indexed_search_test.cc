#include "core/indexed_search.h"

#include <string>
#include <vector>

#include "base/random.h"
#include "core/collection_fixture.h"

namespace viper::core {
namespace {

/// Codes are a 32nd of the floats: few wide rows make enough of them for several threads.
constexpr size_t kDim = 2048;
constexpr size_t kRows = 5000;

class IndexedSearchTest : public CollectionFixture {
 protected:
  IndexedSearchTest() {
    options_.background_index = false;
    options_.index_min_rows = 1000;
    options_.flush_bytes = size_t{256} << 20;
    static_assert(kRows * kDim / 8 > 2 * index::kShareBytes);
  }

  std::vector<float> RandomVector() {
    const auto centre = static_cast<float>(random_.Uniform(20));
    std::vector<float> vector(kDim);
    for (float& x : vector) x = centre + static_cast<float>(random_.Uniform(1000)) / 100;
    return vector;
  }

  void CreateRows() {
    ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
    CollectionSchema schema = Schema();
    schema.dim = kDim;
    ASSERT_OK_AND_ASSIGN(collection_, engine.CreateCollection("docs", schema));
    std::vector<Record> records(kRows);
    for (size_t i = 0; i < kRows; ++i) {
      records[i].id = "id" + std::to_string(i);
      records[i].vector = RandomVector();
    }
    ASSERT_OK(collection_->Upsert(records));
    ASSERT_OK(collection_->Flush());
    ASSERT_OK(collection_->BuildIndex());
  }

  std::vector<std::string> Ids(const std::vector<float>& query, const SearchOptions& options) {
    const Hits hits = collection_->Search(query, options).value();
    std::vector<std::string> ids;
    for (const Hit& hit : hits) ids.push_back(hit.id);
    return ids;
  }

  Random random_{53};
};

TEST_F(IndexedSearchTest, ThreadsThatShareAQueryFindWhatOneFinds) {
  CreateRows();
  std::vector<std::vector<float>> queries;
  for (int i = 0; i < 10; ++i) queries.push_back(RandomVector());
  // Of all rows none is lost to a bound.
  const SearchOptions near = {.k = 10, .recall = 0.999, .nprobe = kRows};
  const SearchOptions all = {.k = kRows, .nprobe = kRows};
  std::vector<std::vector<std::string>> nearest;
  for (const auto& query : queries) nearest.push_back(Ids(query, near));
  const std::vector<std::string> in_order = Ids(queries.front(), all);
  EXPECT_EQ(in_order.size(), kRows);
  for (const uint32_t threads : {2, 4}) {
    options_.search_threads = threads;
    ASSERT_OK(Reopen());
    size_t same = 0;
    for (size_t i = 0; i < queries.size(); ++i) same += Ids(queries[i], near) == nearest[i] ? 1 : 0;
    EXPECT_GE(same, queries.size() - 1);
    EXPECT_EQ(Ids(queries.front(), all), in_order);
    ASSERT_OK_AND_ASSIGN(const auto told, collection_->Explain(queries.front(), near));
    EXPECT_EQ(told.scanned_rows, kRows);
  }
}

}  // namespace
}  // namespace viper::core
