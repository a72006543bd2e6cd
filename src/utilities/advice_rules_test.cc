#include "utilities/advice_rules.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace viper::utilities {
namespace {

CollectionOperations TrafficOf(uint64_t filtered, std::vector<FilterFieldUse> uses) {
  CollectionOperations traffic;
  traffic.searches.filtered = filtered;
  traffic.filter_fields = std::move(uses);
  return traffic;
}

KeyReport KeyOf(const std::string& key, FieldType type, uint64_t rows, uint64_t fitting) {
  KeyReport report;
  report.key = key;
  report.rows = rows;
  report.type = type;
  report.fitting = fitting;
  report.json_bytes = 12 * rows;
  return report;
}

TEST(AdviceRules, O3_HotKeysArePromotedAndColdOnesAreNot) {
  SchemaReport report;
  report.rows_read = 1000;
  report.keys = {
      KeyOf("hot", FieldType::kInt64, 900, 900), KeyOf("cold", FieldType::kInt64, 900, 900),
      KeyOf("mixed", FieldType::kInt64, 900, 500), KeyOf("not a name", FieldType::kInt64, 900, 900),
      KeyOf("author", FieldType::kString, 900, 900)};
  const auto advice = AdviseOnSchema(
      report,
      TrafficOf(
          50, {{"hot", 40}, {"mixed", 40}, {"not a name", 40}, {"author.name", 30}, {"cold", 2}}));
  ASSERT_EQ(advice.fields.size(), 2u);
  EXPECT_EQ(advice.fields[0].action, FieldAction::kPromote);
  EXPECT_EQ(advice.fields[0].field, (Field{"hot", FieldType::kInt64}));
  EXPECT_EQ(advice.fields[0].filters, 40u);
  EXPECT_DOUBLE_EQ(advice.fields[0].fill_share, 0.9);
  EXPECT_EQ(advice.fields[0].json_bytes, 10'800u);
  EXPECT_EQ(advice.fields[1].field.name, "author");
}

TEST(AdviceRules, O3_UnusedFieldsAreDemotedAndIntegersThatAreNoneWidened) {
  SchemaReport report;
  report.rows_read = 10'000;
  FieldReport unused;
  unused.field = {"unused", FieldType::kString};
  unused.values = 5;
  FieldReport used = unused;
  used.field.name = "used";
  FieldReport full = unused;
  full.field.name = "full";
  full.values = 9'000;
  FieldReport parked;
  parked.field = {"price", FieldType::kInt64};
  parked.values = 9'000;
  parked.parked = 100;
  parked.parked_example = "1.5";
  report.fields = {unused, used, full, parked};
  auto advice = AdviseOnSchema(report, TrafficOf(200, {{"used", 200}}));
  ASSERT_EQ(advice.fields.size(), 2u);
  EXPECT_EQ(advice.fields[0].action, FieldAction::kDemote);
  EXPECT_EQ(advice.fields[0].field.name, "unused");
  EXPECT_EQ(advice.fields[1].action, FieldAction::kWiden);
  EXPECT_EQ(advice.fields[1].field, (Field{"price", FieldType::kFloat64}));
  // Without traffic nobody knows what is used.
  report.fields = {unused};
  EXPECT_TRUE(AdviseOnSchema(report, TrafficOf(3, {})).fields.empty());
  // Text among integers is not widened.
  parked.parked_example = "\"many\"";
  report.fields = {parked};
  EXPECT_TRUE(AdviseOnSchema(report, TrafficOf(0, {})).fields.empty());
}

TEST(AdviceRules, O3_AFieldGetsOneAdvice) {
  SchemaReport report;
  report.rows_read = 10'000;
  FieldReport field;
  field.field = {"price", FieldType::kInt64};
  field.parked = 50;
  field.parked_example = "1.5";
  report.fields = {field};
  // Nobody needs it: it is not worth writing all files anew.
  const auto unused = AdviseOnSchema(report, TrafficOf(200, {{"other", 200}}));
  ASSERT_EQ(unused.fields.size(), 1u);
  EXPECT_EQ(unused.fields[0].action, FieldAction::kDemote);
  const auto used = AdviseOnSchema(report, TrafficOf(200, {{"price", 1}}));
  ASSERT_EQ(used.fields.size(), 1u);
  EXPECT_EQ(used.fields[0].action, FieldAction::kWiden);
}

TEST(AdviceRules, O4_OneHotAndManyTinyPartitionsAreSplitAndMerged) {
  std::vector<PartitionLoad> partitions = {{"hot", 100'000}};
  for (int i = 0; i < 20; ++i) partitions.push_back({"tiny" + std::to_string(i), 10});
  const auto skewed = AdvisePartitions(partitions, {});
  EXPECT_EQ(skewed.split, std::vector<std::string>{"hot"});
  EXPECT_EQ(skewed.merge.size(), 20u);
  EXPECT_GT(skewed.gini, 0.9);
  // 21 parts of 4,762 rows, and one of 200: it lacks most of its share of the 100,200.
  EXPECT_NEAR(*skewed.gini_afterwards, 1 / 22.0 - 200 / 100'200.0, 1e-4);
  EXPECT_FALSE(skewed.switch_to_time);
  const std::vector<PartitionLoad> even(10, PartitionLoad{"p", 1000});
  const auto tidy = AdvisePartitions(even, {});
  EXPECT_TRUE(tidy.split.empty());
  EXPECT_TRUE(tidy.merge.empty());
  EXPECT_NEAR(tidy.gini, 0, 1e-12);
  EXPECT_EQ(tidy.gini_afterwards, std::nullopt);
  EXPECT_EQ(AdvisePartitions({}, {}).partitions, 0u);
}

TEST(AdviceRules, O4_FiltersByTimeSpeakForTimePartitions) {
  const std::vector<PartitionLoad> even(10, PartitionLoad{"p", 1000});
  EXPECT_TRUE(
      AdvisePartitions(even, TrafficOf(100, {{"_timestamp", 80}, {"x", 60}})).switch_to_time);
  EXPECT_FALSE(
      AdvisePartitions(even, TrafficOf(100, {{"_timestamp", 80}, {"x", 90}})).switch_to_time);
  EXPECT_FALSE(AdvisePartitions(even, TrafficOf(100, {{"_timestamp", 8}})).switch_to_time);
}

TEST(AdviceRules, NamesAreThoseOfTheHeader) {
  EXPECT_EQ(FieldActionName(FieldAction::kPromote), "promote");
  EXPECT_EQ(FieldActionName(FieldAction::kDemote), "demote");
  EXPECT_EQ(FieldActionName(FieldAction::kWiden), "widen");
}

}  // namespace
}  // namespace viper::utilities
