#include "pipeline/row_sorting.h"

#include <algorithm>
#include <limits>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "pipeline/pipeline_fixture.h"

namespace viper::pipeline {
namespace {

core::Row RowWith(Metadata metadata, int64_t timestamp = 0) {
  core::Row row;
  row.metadata = std::move(metadata);
  row.timestamp = timestamp;
  return row;
}

std::vector<uint32_t> Sorted(const std::vector<core::Row>& rows, const SortingStrategy& strategy) {
  return SortRows(rows, strategy, {.dim = 1}, true).value().order;
}

TEST(RowSorting, P06_ByMetadataValuesOfAllKindsHaveOneOrderAndAbsentOnesComeLast) {
  const std::vector<core::Row> rows = {
      RowWith({}),
      RowWith({{"k", nullptr}}),
      RowWith({{"k", Value::List{1}}}),
      RowWith({{"k", "b"}}),
      RowWith({{"k", "a"}}),
      RowWith({{"k", std::numeric_limits<double>::quiet_NaN()}}),
      RowWith({{"k", 2.5}}),
      RowWith({{"k", 2}}),
      RowWith({{"k", true}}),
      RowWith({{"k", false}}),
  };
  EXPECT_EQ(Sorted(rows, {SortingOrder::kByMetadata, {"k"}}),
            (std::vector<uint32_t>{9, 8, 7, 6, 5, 4, 3, 2, 1, 0}));
}

TEST(RowSorting, P06_LaterKeysDecideBetweenEqualsAndThenTheOrderOfArrival) {
  const std::vector<core::Row> rows = {
      RowWith({{"a", 1}, {"b", "y"}}), RowWith({{"a", 0}, {"b", "z"}}),
      RowWith({{"a", 1}, {"b", "x"}}), RowWith({{"a", 1}, {"b", "x"}})};
  EXPECT_EQ(Sorted(rows, {SortingOrder::kByMetadata, {"a", "b"}}),
            (std::vector<uint32_t>{1, 2, 3, 0}));
  EXPECT_EQ(Sorted(rows, {SortingOrder::kByMetadata, {"a"}}), (std::vector<uint32_t>{1, 0, 2, 3}));
}

RC_GTEST_PROP(RowSorting, P06_ByTimeIsAStableSortAndNoneIsNone,
              (const std::vector<int8_t>& times)) {
  std::vector<core::Row> rows;
  for (const int8_t time : times) rows.push_back(RowWith({}, time));
  const auto order = Sorted(rows, {SortingOrder::kByTime, {}});
  RC_ASSERT(order.size() == rows.size());
  for (size_t i = 1; i < order.size(); ++i) {
    RC_ASSERT(std::pair(times[order[i - 1]], order[i - 1]) < std::pair(times[order[i]], order[i]));
  }
  const auto none = Sorted(rows, {SortingOrder::kNone, {}});
  RC_ASSERT(std::is_sorted(none.begin(), none.end()));
}

}  // namespace
}  // namespace viper::pipeline
