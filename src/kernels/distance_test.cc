// Every level against sums in double precision, and against itself when rows are grouped
// differently.

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstring>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "kernels/kernel_table.h"
#include "testing/guarded_bytes.h"

namespace viper::kernels {
namespace {

constexpr float kUntouched = -12345.0F;

std::vector<float> RandomFloats(Random& random, size_t count) {
  std::vector<float> floats(count);
  for (float& component : floats) component = static_cast<float>(random.UniformDouble() * 4 - 2);
  return floats;
}

struct Sum {
  double value = 0;
  double of_absolutes = 0;
};

Sum DotOf(std::span<const float> a, std::span<const float> b) {
  Sum sum;
  for (size_t i = 0; i < a.size(); ++i) {
    const double term = double{a[i]} * b[i];
    sum.value += term;
    sum.of_absolutes += std::abs(term);
  }
  return sum;
}

Sum SquaredL2Of(std::span<const float> a, std::span<const float> b) {
  Sum sum;
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = double{a[i]} - b[i];
    sum.value += difference * difference;
  }
  sum.of_absolutes = sum.value;
  return sum;
}

testing::AssertionResult WithinBound(float computed, const Sum& exact, size_t dim) {
  const double roundings = static_cast<double>(RoundingsPerSum(dim)) * 0x1p-24;
  const double bound =
      roundings / (1 - roundings) * exact.of_absolutes + static_cast<double>(dim) * double{FLT_MIN};
  if (std::abs(computed - exact.value) <= bound) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "computed=" << computed << " exact=" << exact.value
                                     << " bound=" << bound << " dim=" << dim;
}

struct Shape {
  size_t dim = 1;
  size_t row_count = 1;
  /// Bytes between the last row and the end of readable memory.
  size_t distance = 0;
};

std::ostream& operator<<(std::ostream& out, const Shape& shape) {
  return out << "dim=" << shape.dim << " rows=" << shape.row_count
             << " distance=" << shape.distance;
}

void CheckAgainstExactSums(const KernelTable& kernel, const Shape& shape, Random& random) {
  const auto [dim, row_count, distance] = shape;
  const std::vector<float> rows = RandomFloats(random, row_count * dim);
  const std::vector<float> query = RandomFloats(random, dim);
  const GuardedBytes row_bytes(rows.size() * sizeof(float));
  const GuardedBytes query_bytes(query.size() * sizeof(float));
  std::byte* mapped_rows = row_bytes.begin(distance);
  // Nothing may be copied from where nothing is.
  if (!rows.empty()) std::memcpy(mapped_rows, rows.data(), rows.size() * sizeof(float));
  auto* mapped_query = reinterpret_cast<float*>(query_bytes.begin());
  std::memcpy(mapped_query, query.data(), query.size() * sizeof(float));

  std::vector<float> dots(row_count + 1, kUntouched);
  std::vector<float> distances(row_count + 1, kUntouched);
  std::vector<float> norms(row_count + 1, kUntouched);
  kernel.dot(mapped_rows, row_count, dim, mapped_query, dots.data());
  kernel.squared_l2(mapped_rows, row_count, dim, mapped_query, distances.data());
  kernel.squared_norm(mapped_rows, row_count, dim, norms.data());

  std::vector<float> fused_dots(row_count + 1, kUntouched);
  std::vector<float> fused_norms(row_count + 1, kUntouched);
  kernel.dot_and_squared_norm(mapped_rows, row_count, dim, mapped_query, fused_dots.data(),
                              fused_norms.data());
  EXPECT_EQ(fused_dots, dots);
  EXPECT_EQ(fused_norms, norms);

  EXPECT_EQ(dots.back(), kUntouched);
  EXPECT_EQ(distances.back(), kUntouched);
  EXPECT_EQ(norms.back(), kUntouched);
  for (size_t r = 0; r < row_count; ++r) {
    const std::span<const float> row = std::span(rows).subspan(r * dim, dim);
    ASSERT_TRUE(WithinBound(norms[r], DotOf(row, row), dim)) << "row " << r;
    ASSERT_TRUE(WithinBound(dots[r], DotOf(row, query), dim)) << "row " << r;
    ASSERT_TRUE(WithinBound(distances[r], SquaredL2Of(row, query), dim)) << "row " << r;
  }
}

class DistanceTest : public testing::TestWithParam<const KernelTable*> {
 protected:
  void Check(const Shape& shape) {
    SCOPED_TRACE(testing::Message() << shape);
    CheckAgainstExactSums(*GetParam(), shape, random_);
  }
  Random random_{20251};
};

TEST_P(DistanceTest, SumsOfEveryDimAreWithinTheBound) {
  for (size_t dim = 1; dim <= 70; ++dim) Check({dim, 37, 0});
  for (const size_t dim : {127, 128, 129, 768, 1000, 1536}) Check({dim, 21, 1});
  Check({65'536, 5, 3});
}

TEST_P(DistanceTest, SumsOfEveryRowCountAreWithinTheBound) {
  for (size_t row_count = 0; row_count <= 70; ++row_count) {
    for (const size_t dim : {8, 19, 33}) Check({dim, row_count, 0});
  }
}

TEST_P(DistanceTest, RowsMayLieAtAnyAddress) {
  for (size_t distance = 0; distance < 64; ++distance) {
    Check({16, 17, distance});
    Check({21, 9, distance});
  }
}

TEST_P(DistanceTest, APairHasTheSameSumInEveryGroup) {
  const KernelTable& kernel = *GetParam();
  for (const size_t dim : {1, 3, 7, 8, 15, 16, 17, 31, 40, 100, 129, 768}) {
    SCOPED_TRACE(dim);
    const size_t row_count = 53;
    const std::vector<float> rows = RandomFloats(random_, row_count * dim);
    const std::vector<float> query = RandomFloats(random_, dim);
    const std::byte* row_bytes = std::as_bytes(std::span(rows)).data();
    std::vector<float> dots(row_count);
    std::vector<float> distances(row_count);
    std::vector<float> norms(row_count);
    kernel.dot(row_bytes, row_count, dim, query.data(), dots.data());
    kernel.squared_l2(row_bytes, row_count, dim, query.data(), distances.data());
    kernel.squared_norm(row_bytes, row_count, dim, norms.data());

    for (size_t repetition = 0; repetition < 40; ++repetition) {
      const size_t r = random_.Uniform(row_count);
      const size_t group_rows = 1 + random_.Uniform(row_count - r);
      std::vector<float> group(group_rows);
      const std::byte* first_row = row_bytes + r * dim * sizeof(float);
      kernel.dot(first_row, group_rows, dim, query.data(), group.data());
      for (size_t i = 0; i < group_rows; ++i) ASSERT_EQ(group[i], dots[r + i]);
      kernel.squared_l2(first_row, group_rows, dim, query.data(), group.data());
      for (size_t i = 0; i < group_rows; ++i) ASSERT_EQ(group[i], distances[r + i]);
      kernel.squared_norm(first_row, group_rows, dim, group.data());
      for (size_t i = 0; i < group_rows; ++i) ASSERT_EQ(group[i], norms[r + i]);
    }
  }
}

TEST_P(DistanceTest, ProductsThatUnderflowStayWithinTheBound) {
  const std::vector<float> row(50, 3e-23F);
  const std::vector<float> query(50, -2e-23F);
  float dot = kUntouched;
  GetParam()->dot(std::as_bytes(std::span(row)).data(), 1, 50, query.data(), &dot);
  EXPECT_TRUE(WithinBound(dot, DotOf(row, query), 50));
}

TEST_P(DistanceTest, SumsThatOverflowAreInfinite) {
  const std::vector<float> row(50, 3e38F);
  const std::vector<float> query(50, -3e38F);
  float distance = 0;
  GetParam()->squared_l2(std::as_bytes(std::span(row)).data(), 1, 50, query.data(), &distance);
  EXPECT_EQ(distance, INFINITY);
}

INSTANTIATE_TEST_SUITE_P(EveryLevel, DistanceTest, testing::ValuesIn(Available()),
                         [](const auto& level) { return std::string(level.param->name); });

}  // namespace
}  // namespace viper::kernels
