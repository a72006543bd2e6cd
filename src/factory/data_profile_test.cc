#include <gtest/gtest.h>

#include "base/random.h"
#include "testing/status_matchers.h"
#include "viper/factory.h"

namespace viper {
namespace {

/// Rows about `groups` points, or (0) about none.
std::vector<Record> Clustered(size_t count, size_t groups, size_t dim = 8) {
  Random random(3);
  std::vector<float> centres(std::max<size_t>(groups, 1) * dim);
  for (float& x : centres) x = static_cast<float>(random.UniformDouble() * 100);
  std::vector<Record> records(count);
  for (size_t i = 0; i < count; ++i) {
    records[i].id = std::to_string(i);
    const size_t group = groups == 0 ? 0 : random.Uniform(groups);
    for (size_t d = 0; d < dim; ++d) {
      const double noise = random.UniformDouble();
      records[i].vector.push_back(static_cast<float>(
          groups == 0 ? noise : static_cast<double>(centres[group * dim + d]) + noise));
    }
  }
  return records;
}

TEST(DataProfile, TendencyTellsClustersFromNoise) {
  ASSERT_OK_AND_ASSIGN(const DataProfile clustered, ProfileRecords(Clustered(2000, 20)));
  ASSERT_OK_AND_ASSIGN(const DataProfile noise, ProfileRecords(Clustered(2000, 0)));
  ASSERT_TRUE(clustered.cluster_tendency && noise.cluster_tendency);
  EXPECT_GT(*clustered.cluster_tendency, 0.9);
  EXPECT_LT(std::abs(*noise.cluster_tendency), 0.05);
  EXPECT_EQ(ProfileRecords(Clustered(99, 3)).value().cluster_tendency, std::nullopt);
}

TEST(DataProfile, KeysHaveTheTypeOfAllTheirValues) {
  std::vector<Record> records = Clustered(4, 1);
  records[0].metadata = {
      {"n", 1}, {"x", 1}, {"when", "2026-01-02"}, {"mixed", 1}, {"null", nullptr}};
  records[1].metadata = {{"n", 2}, {"x", 1.5}, {"when", "2026-01-03"}, {"mixed", "a"}};
  records[2].metadata = {{"n", 3}, {"when", "2026-01-04"}, {"tags", Value::List{"a"}}};
  records[3].metadata = {{"n", 4}, {"when", Timestamp{5}}, {"note", "2026-01-04"}};
  ASSERT_OK_AND_ASSIGN(const DataProfile profile, ProfileRecords(records));
  std::map<std::string, std::pair<FieldType, double>> keys;
  for (const auto& key : profile.keys) keys[key.field.name] = {key.field.type, key.fill};
  using Key = std::pair<FieldType, double>;
  EXPECT_EQ(keys, (std::map<std::string, Key>{{"n", {FieldType::kInt64, 1.0}},
                                              {"x", {FieldType::kFloat64, 0.5}},
                                              {"tags", {FieldType::kStringList, 0.25}},
                                              {"note", {FieldType::kString, 0.25}}}));
  // Each value is a time, though texts and times have no type in common.
  EXPECT_EQ(profile.time_key, "when");
}

TEST(DataProfile, F20_TextThatIsATimeStaysText) {
  std::vector<Record> records = Clustered(2, 1);
  for (Record& record : records) record.metadata = {{"at", Timestamp{5}}, {"born", "2020-01-01"}};
  ASSERT_OK_AND_ASSIGN(const DataProfile profile, ProfileRecords(records));
  ASSERT_EQ(profile.keys.size(), 2u);
  EXPECT_EQ(profile.keys[0].field, (Field{"at", FieldType::kTimestamp}));
  EXPECT_EQ(profile.keys[1].field, (Field{"born", FieldType::kString}));
  EXPECT_EQ(profile.time_key, "at");
}

TEST(DataProfile, ZerosAreCountedInSparseVectorsToo) {
  std::vector<Record> records(2);
  records[0].id = "a";
  records[0].vector = {1, 0, 0, 2};
  records[1].id = "b";
  records[1].sparse_vector = SparseVector{.indices = {3}, .values = {5}};
  ASSERT_OK_AND_ASSIGN(const DataProfile profile, ProfileRecords(records));
  EXPECT_EQ(profile.dim, 4u);
  EXPECT_DOUBLE_EQ(profile.zero_share.value(), 5.0 / 8);
  records.erase(records.begin());
  EXPECT_STATUS(kInvalidArgument, "record 0 (id 'b')", ProfileRecords(records));
  EXPECT_DOUBLE_EQ(ProfileRecords(records, 10).value().zero_share.value(), 0.9);
  EXPECT_EQ(ProfileRecords({}).value().zero_share, std::nullopt);
}

TEST(DataProfile, VectorsThatAreNoneAreRefused) {
  std::vector<Record> records = Clustered(3, 1, 2);
  records[2].vector = {1, 2, 3};
  EXPECT_STATUS(kInvalidArgument, "record 2 (id '2'): the dimension is not that of the sample",
                ProfileRecords(records));
  records[2].vector = {1, std::numeric_limits<float>::infinity()};
  EXPECT_STATUS(kInvalidArgument, "not finite", ProfileRecords(records));
  EXPECT_STATUS(kInvalidArgument, "the dimension is out of range",
                ProfileRecords(records, size_t{1} << 61));
  EXPECT_STATUS(
      kInvalidArgument, "the dimension",
      Factory().CreateForCollection("a", CollectionConfig{.dim = size_t{1} << 44}, records));
}

}  // namespace
}  // namespace viper
