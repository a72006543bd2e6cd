#include "core/row_sample.h"

#include <set>

#include "core/collection_fixture.h"

namespace viper::core {
namespace {

class RowSample : public CollectionFixture {
 protected:
  void Write(int first, int count) {
    std::vector<Record> records;
    for (int i = first; i < first + count; ++i) {
      records.push_back(At("id" + std::to_string(i), static_cast<float>(i), 1));
    }
    ASSERT_OK(collection_->Upsert(records));
  }

  std::set<std::string> IdsOf(uint64_t count, uint64_t seed = 0) {
    auto records = collection_->Sample(count, seed);
    EXPECT_OK(records);
    std::set<std::string> ids;
    if (!records.ok()) return ids;
    for (const Record& record : *records) {
      EXPECT_TRUE(ids.insert(record.id).second);
      EXPECT_EQ("id" + std::to_string(static_cast<int>(record.vector[0])), record.id);
    }
    return ids;
  }
};

TEST_F(RowSample, TakesLiveRowsFromEverywhere) {
  Create();
  Write(0, 1000);
  ASSERT_OK(collection_->Flush());
  Write(1000, 1000);
  ASSERT_OK(collection_->Delete(std::vector<std::string>{"id3", "id1003"}));
  const auto all = IdsOf(10'000);
  EXPECT_EQ(all.size(), 1998u);
  EXPECT_FALSE(all.contains("id3"));
  EXPECT_FALSE(all.contains("id1003"));
  const auto some = IdsOf(100);
  EXPECT_GE(some.size(), 98u);
  size_t first_half = 0;
  for (const std::string& id : some) first_half += std::stoi(id.substr(2)) < 1000 ? 1 : 0;
  EXPECT_NEAR(static_cast<double>(first_half), 50, 3);
  EXPECT_EQ(some, IdsOf(100));
  EXPECT_NE(some, IdsOf(100, 1));
}

TEST_F(RowSample, NothingGivesNothing) {
  Create();
  EXPECT_TRUE(IdsOf(10).empty());
  Write(0, 1);
  EXPECT_TRUE(IdsOf(0).empty());
  EXPECT_EQ(IdsOf(1).size(), 1u);
}

}  // namespace
}  // namespace viper::core
