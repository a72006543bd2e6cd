#include "index/rotation.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"

namespace viper::index {
namespace {

std::vector<float> RandomVector(size_t dim, Random& random) {
  std::vector<float> vector(dim);
  for (float& x : vector) x = static_cast<float>(static_cast<double>(random.Uniform(2001)) - 1000);
  return vector;
}

double Dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * double{b[i]};
  return sum;
}

TEST(Rotation, KeepsInnerProducts) {
  Random random(1);
  for (const size_t dim : {1, 2, 3, 7, 64, 100, 128, 784, 1000, 4096}) {
    for (const size_t code_dim : {std::max<size_t>(64, (dim + 7) / 8 * 8), 2 * dim + 64}) {
      const Rotation rotation(dim, code_dim, 5);
      const auto a = RandomVector(dim, random);
      const auto b = RandomVector(dim, random);
      std::vector<float> rotated_a(code_dim);
      std::vector<float> rotated_b(code_dim);
      rotation.Apply(a.data(), rotated_a.data());
      rotation.Apply(b.data(), rotated_b.data());
      const double scale = std::sqrt(Dot(a, a) * Dot(b, b)) + 1;
      EXPECT_NEAR(Dot(rotated_a, rotated_b), Dot(a, b), 1e-5 * scale) << dim << " " << code_dim;
      EXPECT_NEAR(Dot(rotated_a, rotated_a), Dot(a, a), 1e-5 * (Dot(a, a) + 1));
    }
  }
}

TEST(Rotation, SpreadsALongComponentEvenly) {
  for (const size_t dim : {100, 128, 784}) {
    const Rotation rotation(dim, dim % 8 == 0 ? dim : 104, 9);
    std::vector<float> axis(dim);
    std::vector<float> rotated(rotation.code_dim());
    for (size_t i = 0; i < dim; i += 13) {
      axis.assign(dim, 0);
      axis[i] = 1;
      rotation.Apply(axis.data(), rotated.data());
      for (const float x : rotated) {
        EXPECT_LT(std::fabs(x), 7 / std::sqrt(static_cast<float>(dim))) << dim << " axis " << i;
      }
    }
  }
}

TEST(Rotation, IsAFunctionOfTheSeed) {
  const std::vector<float> row = {1, 2, 3, 4, 5};
  std::vector<float> a(64);
  std::vector<float> b(64);
  std::vector<float> c(64);
  Rotation(5, 64, 1).Apply(row.data(), a.data());
  Rotation(5, 64, 1).Apply(row.data(), b.data());
  Rotation(5, 64, 2).Apply(row.data(), c.data());
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
}

}  // namespace
}  // namespace viper::index
