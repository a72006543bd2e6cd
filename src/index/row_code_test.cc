#include "index/row_code.h"

#include <cmath>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "base/half.h"
#include "index/index_fixture.h"
#include "kernels/kernel_table.h"

namespace viper::index {
namespace {

double Dot(const std::vector<float>& a, const std::vector<float>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

/// The estimate that the header's formulas give, and the truth.
struct Estimate {
  double estimate = 0;
  double truth = 0;
  double error_unit = 0;
};

Estimate EstimateOne(Metric metric, size_t dim, Random& random) {
  const std::vector<float> centroid = NormalVector(dim, random);
  const std::vector<float> residual = NormalVector(dim, random);
  std::vector<float> query = NormalVector(dim, random);
  for (size_t i = 0; i < dim; ++i) query[i] += centroid[i];
  std::vector<uint8_t> bits(dim / 8);
  const RowFactors factors =
      EncodeRow(metric, residual.data(), centroid.data(), dim / 8, bits.data());
  double bit_sum = 0;
  double sum = 0;
  double row_distance = 0;
  double centroid_distance = 0;
  for (size_t i = 0; i < dim; ++i) {
    bit_sum += ((bits[i / 8] >> (i % 8)) & 1) != 0 ? double{query[i]} : 0;
    sum += double{query[i]};
    row_distance += std::pow(double{query[i]} - double{centroid[i]} - double{residual[i]}, 2);
    centroid_distance += std::pow(double{query[i]} - double{centroid[i]}, 2);
  }
  const double factor = double{HalfToFloat(factors.factor)};
  const double addend = double{HalfToFloat(factors.addend)};
  if (metric == Metric::kDot) {
    return {-Dot(query, centroid) + factor * (bit_sum - sum / 2),
            -Dot(query, centroid) - Dot(query, residual), -factor * std::sqrt(Dot(query, query))};
  }
  return {addend + centroid_distance + factor * (bit_sum - sum / 2), row_distance,
          -factor * std::sqrt(centroid_distance)};
}

TEST(RowCode, EstimatesAreUnbiasedAndErrorsAsLargeAsSaid) {
  for (const Metric metric : {Metric::kL2, Metric::kDot}) {
    for (const size_t dim : {64, 128, 768}) {
      Random random(dim);
      double sum = 0;
      double squares = 0;
      size_t below = 0;
      const int rounds = 4000;
      for (int i = 0; i < rounds; ++i) {
        const Estimate one = EstimateOne(metric, dim, random);
        const double error = (one.estimate - one.truth) / one.error_unit;
        sum += error;
        squares += error * error;
        // The bound of two deviations is below the truth in all but a few.
        const double bound = one.estimate - double{ErrorShare(dim, 2)} * one.error_unit;
        below += bound <= one.truth ? 1 : 0;
      }
      const double unit = double{ErrorShare(dim, 1)};
      EXPECT_LT(std::fabs(sum / rounds), 0.1 * unit) << dim;
      EXPECT_NEAR(std::sqrt(squares / rounds), unit, 0.15 * unit) << dim;
      EXPECT_GT(below, rounds * 0.95) << dim;
    }
  }
}

TEST(RowCode, AZeroResidualIsTheCentroid) {
  const std::vector<float> zero(64);
  const std::vector<float> centroid(64, 1);
  std::vector<uint8_t> bits(8, 255);
  const RowFactors factors = EncodeRow(Metric::kL2, zero.data(), centroid.data(), 8, bits.data());
  EXPECT_EQ(factors.addend, 0);
  EXPECT_EQ(factors.factor, 0);
}

TEST(RowCode, CopiedRowsAreWhatTheyWere) {
  constexpr size_t kPlanes = 5;
  std::vector<std::byte> from(kernels::BlockBytes(kPlanes));
  std::vector<std::byte> stored(from.size());
  std::vector<std::byte> copied(from.size());
  for (size_t row = 0; row < kernels::kBlockRows; ++row) {
    std::vector<uint8_t> bits(kPlanes);
    for (size_t plane = 0; plane < kPlanes; ++plane) {
      bits[plane] = static_cast<uint8_t>(row * 37 + plane * 11);
    }
    const RowFactors factors = {static_cast<uint16_t>(row * 1001),
                                static_cast<uint16_t>(0x8000 + row * 17)};
    const size_t place = (row * 13 + 5) % kernels::kBlockRows;
    StoreRow(bits.data(), factors, kPlanes, row, from.data());
    StoreRow(bits.data(), factors, kPlanes, place, stored.data());
    CopyRow(from.data(), row, kPlanes, place, copied.data());
  }
  EXPECT_EQ(copied, stored);
}

TEST(RowCode, PaddingNeverPasses) {
  std::vector<std::byte> block(kernels::BlockBytes(8));
  PadBlock(8, 3, block.data());
  std::vector<uint8_t> bits(8, 0xAA);
  for (size_t row = 0; row < 3; ++row)
    StoreRow(bits.data(), {0x3C00, 0xBC00}, 8, row, block.data());
  const kernels::KernelTable& kernel = kernels::Active();
  std::vector<uint8_t> room(kernel.table_bytes(8) + 64);
  void* start = room.data();
  size_t size = room.size();
  kernels::CodeTable table;
  table.entries = static_cast<uint8_t*>(std::align(64, kernel.table_bytes(8), start, size));
  const std::vector<float> query(64, 0.5F);
  kernel.build_table(query.data(), 8, &table);
  float values[64];
  const uint64_t mask =
      kernel.scan_block(block.data(), 8, table.entries, {table.scale, 0, 0, 1e30F}, values);
  EXPECT_EQ(mask, 7U);
}

}  // namespace
}  // namespace viper::index
