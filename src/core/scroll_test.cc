#include "core/scroll.h"

#include "core/collection_fixture.h"

namespace viper::core {
namespace {

class ScrollTest : public CollectionFixture {
 protected:
  std::vector<std::string> ScrollAll(ScrollOptions options) {
    std::vector<std::string> ids;
    do {
      auto page = collection_->Scroll(options);
      EXPECT_OK(page);
      if (!page.ok()) return ids;
      EXPECT_LE(page->records.size(), options.limit);
      for (const Record& record : page->records) ids.push_back(record.id);
      options.after = page->next;
    } while (!options.after.empty());
    return ids;
  }
};

TEST_F(ScrollTest, WalksAllSourcesInTheOrderOfTheIds) {
  Create();
  std::vector<std::string> expected;
  for (int i = 0; i < 40; ++i) {
    const std::string id = std::to_string(i * 7 % 40);
    ASSERT_OK(collection_->Upsert(At(id, 0, 0, {{"year", i % 2}})));
    expected.push_back(id);
    if (i % 11 == 5) {
      ASSERT_OK(collection_->Flush());
    }
  }
  ASSERT_OK(collection_->Upsert(At("3", 1, 1, {{"year", 0}})));
  ASSERT_OK(collection_->Delete(std::vector<std::string>{"4"}));
  std::sort(expected.begin(), expected.end());
  std::erase(expected, "4");
  for (const size_t limit : {1, 3, 39, 1000}) {
    ScrollOptions options;
    options.limit = limit;
    EXPECT_EQ(ScrollAll(options), expected) << limit;
  }
}

TEST_F(ScrollTest, FiltersAndLimits) {
  Create();
  ASSERT_OK(collection_->Upsert(std::vector<Record>{
      At("a", 0, 0, {{"year", 1}}), At("b", 0, 0, {{"year", 2}}), At("c", 0, 0, {{"year", 1}})}));
  ScrollOptions options;
  options.filter = where::Field("year") == 1;
  EXPECT_EQ(ScrollAll(options), (std::vector<std::string>{"a", "c"}));
  options.after = "a";
  EXPECT_EQ(ScrollAll(options), std::vector<std::string>{"c"});
  options.limit = 0;
  EXPECT_STATUS(kInvalidArgument, "limit must be 1 to", collection_->Scroll(options));
  options.limit = 100'001;
  EXPECT_STATUS(kInvalidArgument, "actual=100001", collection_->Scroll(options));
}

}  // namespace
}  // namespace viper::core
