#include "pipeline/csv_layout.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace viper::pipeline {
namespace {

using Names = std::vector<std::string>;
using Cells = std::vector<std::string_view>;

std::vector<CsvRole> RolesOf(const CsvLayout& layout) {
  std::vector<CsvRole> roles;
  for (const CsvColumn& column : layout.columns) roles.push_back(column.role);
  return roles;
}

TEST(CsvLayout, OwnNamesHaveTheirMeaning) {
  const auto layout = InferCsvLayout(
      {"", "id", "_timestamp", "_expires_at", "_ingested_at", "_metadata", "x", "vector"},
      {"0", "a", "", "", "", "", "1", "1"}, {});
  ASSERT_TRUE(layout.ok()) << layout.status().ToString();
  using enum CsvRole;
  EXPECT_EQ(RolesOf(*layout), (std::vector<CsvRole>{kIgnored, kId, kTimestamp, kExpiresAt, kIgnored,
                                                    kMetadata, kField, kVector}));
  EXPECT_TRUE(layout->has_id);
  EXPECT_EQ(layout->component_count, 0U);
}

TEST(CsvLayout, VectorIsTheOnlyColumnOfSeveralNumbers) {
  const auto layout = InferCsvLayout({"year", "title", "x"}, {"2020", "12 men", "1 2 3"}, {});
  ASSERT_TRUE(layout.ok()) << layout.status().ToString();
  EXPECT_EQ(layout->columns[2].role, CsvRole::kVector);
  EXPECT_FALSE(layout->has_id);
  EXPECT_FALSE(InferCsvLayout({"a", "b"}, {"1 2", "3 4"}, {}).ok());
  EXPECT_FALSE(InferCsvLayout({"a"}, {"1"}, {}).ok());
  EXPECT_TRUE(InferCsvLayout({"a"}, {"[1]"}, {}).ok());
}

TEST(CsvLayout, StarNamesAColumnForEachComponent) {
  const auto layout = InferCsvLayout(
      {"v10", "id", "v2", "v1", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "vx", "v01"},
      Cells(13, "1"), {.vector_column = "v*"});
  ASSERT_TRUE(layout.ok()) << layout.status().ToString();
  EXPECT_EQ(layout->component_count, 10U);
  EXPECT_EQ(layout->columns[0].component, 9U);
  EXPECT_EQ(layout->columns[3].component, 0U);
  EXPECT_EQ(layout->columns[11].role, CsvRole::kField);
  EXPECT_EQ(layout->columns[12].role, CsvRole::kField);
  EXPECT_EQ(InferCsvLayout({"0", "1"}, {"1", "1"}, {.vector_column = "*"})->component_count, 2U);
}

TEST(CsvLayout, GapsAmongTheComponentsAreRefused) {
  EXPECT_EQ(
      InferCsvLayout({"v0", "v1", "v3"}, Cells(3, "1"), {.vector_column = "v*"}).status().message(),
      "columns of the vector have gaps: prefix='v' first=0 last=3 count=3");
  EXPECT_FALSE(InferCsvLayout({"v2", "v3"}, Cells(2, "1"), {.vector_column = "v*"}).ok());
  EXPECT_EQ(InferCsvLayout({"a"}, {"1"}, {.vector_column = "v*"}).status().message(),
            "no columns for the vector: wanted=v0, v1, ...");
}

TEST(CsvLayout, NameGivenTwiceIsRefused) {
  EXPECT_EQ(InferCsvLayout({"a", "b", "a"}, {"1", "2", "3"}, {}).status().message(),
            "header names a column twice: column=a");
}

}  // namespace
}  // namespace viper::pipeline
