#include "parquet/list_rows.h"

#include <gtest/gtest.h>

#include "parquet/arrow_fixture.h"
#include "testing/status_matchers.h"

namespace viper::parquet {
namespace {

using Lengths = std::vector<uint32_t>;
constexpr uint32_t kNull = ListRows<float>::kNull;

class ListRowsTest : public testing::Test {
 protected:
  void Open(const std::shared_ptr<::arrow::DataType>& type, const std::string& json) {
    bytes_ =
        WriteForeign(*TableFromJson({{::arrow::field("list", type), json}}), {.rows_per_group = 4});
    footer_ = PartFooter::Open(bytes_).value();
    leaf_.emplace(*footer_, 0);
    pages_ = leaf_->Find(nullptr).value();
  }

  std::vector<std::byte> bytes_;
  std::unique_ptr<PartFooter> footer_;
  std::optional<LeafPages> leaf_;
  std::vector<EncodedPage> pages_;
};

TEST_F(ListRowsTest, AnyRunOfRowsIsRead) {
  Open(::arrow::list(::arrow::int32()), "[[1, 2], [], null, [3], [4, 5, 6], []]");
  const auto all = ReadIntegerLists(*leaf_, pages_, {0, 4}, 9).value();
  EXPECT_EQ(all.lengths, (Lengths{2, 0, kNull, 1}));
  EXPECT_EQ(all.values, (std::vector<int32_t>{1, 2, 3}));
  const auto some = ReadIntegerLists(*leaf_, pages_, {1, 3}, 9).value();
  EXPECT_EQ(some.lengths, (Lengths{0, kNull, 1}));
  EXPECT_EQ(some.values, (std::vector<int32_t>{3}));
  EXPECT_EQ(ReadIntegerLists(*leaf_, pages_, {4, 1}, 9).value().values,
            (std::vector<int32_t>{4, 5, 6}));
}

TEST_F(ListRowsTest, ListsInANullStructureAreNull) {
  const auto type = ::arrow::struct_({::arrow::field("a", ::arrow::list(::arrow::float32()))});
  Open(type, R"([{"a": [1, 2]}, null, {"a": []}, {"a": null}])");
  const auto lists = ReadFloatLists(*leaf_, pages_, {0, 4}, 9).value();
  EXPECT_EQ(lists.lengths, (Lengths{2, kNull, 0, kNull}));
  EXPECT_EQ(CountListRows(*leaf_, 0).value(), 2U);
}

TEST_F(ListRowsTest, WhatIsWrongWithARowNamesIt) {
  Open(::arrow::list(::arrow::float32()), "[[1], [1, 2, 3], [4, null]]");
  EXPECT_STATUS(kCorruption, "row=1: list is longer than the dimension: maximum=2",
                ReadFloatLists(*leaf_, pages_, {0, 3}, 2));
  EXPECT_STATUS(kCorruption, "row=2: list holds a null: element=1",
                ReadFloatLists(*leaf_, pages_, {2, 1}, 2));
}

TEST_F(ListRowsTest, RowsThatThePagesDoNotHaveAreMissed) {
  Open(::arrow::list(::arrow::float32()), "[[1], [2]]");
  EXPECT_STATUS(kCorruption, "no pages hold the rows 1 to 2",
                ReadFloatLists(*leaf_, pages_, {1, 2}, 2));
  pages_[0].rows.count = 3;
  EXPECT_STATUS(kCorruption, "rows 2 to 2 are missing", ReadFloatLists(*leaf_, pages_, {0, 3}, 2));
}

}  // namespace
}  // namespace viper::parquet
