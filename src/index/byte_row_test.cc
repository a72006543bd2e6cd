#include "index/byte_row.h"

#include <cmath>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "index/index_fixture.h"

namespace viper::index {
namespace {

double TrueValue(Metric metric, const std::vector<float>& row, const std::vector<float>& query) {
  double sum = 0;
  for (size_t i = 0; i < row.size(); ++i) {
    const double difference = double{row[i]} - double{query[i]};
    sum += metric == Metric::kDot ? -double{row[i]} * double{query[i]} : difference * difference;
  }
  return sum;
}

TEST(ByteRow, WholeRowsGiveExactDistances) {
  Random random(1);
  for (const size_t dim : {1, 3, 64, 128, 784}) {
    const auto model = MakePlainModel(Metric::kL2, dim);
    std::vector<std::byte> bytes(ByteRowBytes(ByteRows::kWhole, *model) + 1);
    for (int round = 0; round < 50; ++round) {
      std::vector<float> row(dim);
      std::vector<float> query(dim);
      for (float& x : row) x = static_cast<float>(random.Uniform(256));
      for (float& x : query) x = static_cast<float>(random.Uniform(256));
      if (round == 0) row.assign(dim, 255), query.assign(dim, 0);
      EncodeByteRow(ByteRows::kWhole, row, bytes.data() + 1);
      ByteQuery byte_query;
      byte_query.Prepare(ByteRows::kWhole, *model, query, query);
      const std::byte* rows[] = {bytes.data() + 1};
      float estimate = 0;
      float error = 1;
      byte_query.Estimate(rows, 1, &estimate, &error);
      EXPECT_EQ(error, 0);
      EXPECT_EQ(estimate, static_cast<float>(TrueValue(Metric::kL2, row, query)));
      ASSERT_TRUE(byte_query.is_exact());
      double distance = 0;
      byte_query.ExactDistances(rows, 1, &distance);
      EXPECT_EQ(distance, ExactDistance(Metric::kL2, reinterpret_cast<const std::byte*>(row.data()),
                                        query.data(), dim));
    }
  }
}

TEST(ByteRow, ErrorsCoverNearlyAllEstimates) {
  Random random(2);
  for (const Metric metric : {Metric::kL2, Metric::kDot}) {
    for (const ByteRows kind : {ByteRows::kScaled, ByteRows::kWhole}) {
      if (kind == ByteRows::kWhole && metric == Metric::kDot) continue;
      size_t outside = 0;
      for (int round = 0; round < 2000; ++round) {
        const size_t dim = 96;
        const auto model = MakePlainModel(metric, dim);
        const std::vector<float> query = NormalVector(dim, random);
        std::vector<float> row = NormalVector(dim, random);
        if (kind == ByteRows::kWhole) {
          for (float& x : row) x = static_cast<float>(random.Uniform(256));
        }
        std::vector<std::byte> bytes(ByteRowBytes(kind, *model));
        EncodeByteRow(kind, row, bytes.data());
        ByteQuery byte_query;
        byte_query.Prepare(kind, *model, query, query);
        const std::byte* rows[] = {bytes.data()};
        float estimate = 0;
        float error = 0;
        byte_query.Estimate(rows, 1, &estimate, &error);
        const double truth = TrueValue(metric, row, query);
        if (std::fabs(double{estimate} - truth) > double{error} + 1e-5 * std::fabs(truth))
          ++outside;
        EXPECT_LT(error, 0.2F * static_cast<float>(std::fabs(truth)) + 5);
      }
      EXPECT_LT(outside, 20U) << static_cast<int>(kind);
    }
  }
}

TEST(ByteRow, ZeroRowsAndQueriesDoNotDivideByZero) {
  const auto model = MakePlainModel(Metric::kL2, 8);
  const std::vector<float> zero(8);
  for (const ByteRows kind : {ByteRows::kScaled, ByteRows::kWhole}) {
    std::vector<std::byte> bytes(ByteRowBytes(kind, *model));
    EncodeByteRow(kind, zero, bytes.data());
    ByteQuery query;
    query.Prepare(kind, *model, zero, zero);
    const std::byte* rows[] = {bytes.data()};
    float estimate = 1;
    float error = 1;
    query.Estimate(rows, 1, &estimate, &error);
    EXPECT_EQ(estimate, 0);
  }
}

TEST(ByteRow, OnlyBytesAreWhole) {
  EXPECT_TRUE(IsWhole(std::vector<float>{0, 255, 17}));
  EXPECT_FALSE(IsWhole(std::vector<float>{0, 256}));
  EXPECT_FALSE(IsWhole(std::vector<float>{-1}));
  EXPECT_FALSE(IsWhole(std::vector<float>{0.5F}));
  for (const float x : {1e10F, -1e10F, -2e7F, 8388613.0F, 4194309.5F, 3e38F, std::nanf("")}) {
    EXPECT_FALSE(IsWhole(std::vector<float>{x})) << x;
  }
}

}  // namespace
}  // namespace viper::index
