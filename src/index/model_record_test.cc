#include "index/model_record.h"

#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace viper::index {
namespace {

ModelRecord FullRecord() {
  ModelRecord record;
  record.version = 3;
  record.trained_at = 1'700'000'000'000'000;
  record.trained_rows = 1000;
  record.sampled_rows = 400;
  record.wanted_rows = 800;
  record.trained_squared_distance = 1.01;
  record.trained_imbalance = 1.4;
  record.trained_scanned_rows = 900;
  record.added_rows = 17;
  record.caution = 0.5;
  IndexAccuracy& accuracy = record.accuracy.emplace();
  accuracy.measured_at.micros = 5;
  accuracy.rows = 1017;
  accuracy.assignment_rows = 200;
  accuracy.assignment_agreement = 0.985;
  accuracy.queries = 128;
  accuracy.k = 10;
  accuracy.recalls = {{0.9, 0.91, 0.905, 4, 1200}, {0.99, 0.99, 0.992, 11, 3500}};
  return record;
}

std::vector<std::byte> BytesOf(const ModelRecord& record) {
  std::vector<std::byte> bytes;
  ByteWriter writer(bytes);
  record.Encode(writer);
  return bytes;
}

TEST(ModelRecord, ComesBackFromItsBytes) {
  const std::vector<std::byte> bytes = BytesOf(FullRecord());
  ByteReader reader(bytes);
  const auto again = ModelRecord::Decode(reader);
  ASSERT_TRUE(again && reader.done());
  EXPECT_EQ(BytesOf(*again), bytes);
  EXPECT_EQ(again->version, 3U);
  EXPECT_EQ(again->caution, 0.5);
  ASSERT_EQ(again->accuracy->recalls.size(), 2U);
  EXPECT_EQ(again->accuracy->recalls[1].scanned_rows, 3500);
}

TEST(ModelRecord, WithoutMeasurementsItHasNone) {
  const std::vector<std::byte> bytes = BytesOf({});
  ByteReader reader(bytes);
  const auto again = ModelRecord::Decode(reader);
  ASSERT_TRUE(again && reader.done());
  EXPECT_FALSE(again->accuracy.has_value());
}

TEST(ModelRecord, BytesThatEndEarlyAreNone) {
  const std::vector<std::byte> bytes = BytesOf(FullRecord());
  for (size_t size = 0; size < bytes.size(); ++size) {
    ByteReader reader({bytes.data(), size});
    EXPECT_FALSE(ModelRecord::Decode(reader)) << size;
  }
}

TEST(ModelRecord, NumbersThatMakeNoSenseAreRefused) {
  const auto refused = [](auto change) {
    ModelRecord record = FullRecord();
    change(record);
    const std::vector<std::byte> bytes = BytesOf(record);
    ByteReader reader(bytes);
    return !ModelRecord::Decode(reader).has_value();
  };
  EXPECT_TRUE(refused([](ModelRecord& r) { r.caution = 0; }));
  EXPECT_TRUE(refused([](ModelRecord& r) { r.caution = 1.5; }));
  EXPECT_TRUE(refused([](ModelRecord& r) { r.trained_imbalance = -1; }));
  EXPECT_TRUE(refused([](ModelRecord& r) {
    r.accuracy->assignment_agreement = std::numeric_limits<double>::quiet_NaN();
  }));
}

TEST(ModelRecord, CautionAsksForLessToBeMissed) {
  ModelRecord record;
  EXPECT_DOUBLE_EQ(record.CautiousRecall(0.95), 0.95);
  record.caution = 0.5;
  EXPECT_DOUBLE_EQ(record.CautiousRecall(0.95), 0.975);
}

}  // namespace
}  // namespace viper::index
