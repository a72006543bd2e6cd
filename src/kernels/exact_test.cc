#include <cmath>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "kernels/kernel_table.h"

namespace viper::kernels {
namespace {

TEST(ExactSums, AreTheSameBitsAtEveryLevel) {
  Random random(5);
  for (size_t dim = 1; dim < 100; ++dim) {
    std::vector<float> a(dim);
    std::vector<float> b(dim);
    for (size_t i = 0; i < dim; ++i) {
      const auto draw = [&] {
        const double exponent = static_cast<double>(random.Uniform(80)) - 40;
        return static_cast<float>(std::exp2(exponent) * (random.Uniform(2) == 0 ? 1.3 : -0.7));
      };
      a[i] = draw();
      b[i] = draw();
    }
    // Rows may start at any byte.
    std::vector<std::byte> bytes(dim * sizeof(float) + 1);
    std::memcpy(bytes.data() + 1, a.data(), dim * sizeof(float));
    const auto* other = reinterpret_cast<const std::byte*>(b.data());
    const KernelTable& scalar = *Available().front();
    const double dot = scalar.exact_dot(bytes.data() + 1, other, dim);
    const double squared = scalar.exact_squared_l2(bytes.data() + 1, other, dim);
    for (const KernelTable* kernel : Available()) {
      EXPECT_EQ(kernel->exact_dot(bytes.data() + 1, other, dim), dot) << kernel->name << dim;
      EXPECT_EQ(kernel->exact_squared_l2(bytes.data() + 1, other, dim), squared)
          << kernel->name << dim;
    }
    long double sum = 0;
    long double difference_sum = 0;
    long double size = 0;
    for (size_t i = 0; i < dim; ++i) {
      sum += static_cast<long double>(a[i]) * b[i];
      size += std::fabs(static_cast<long double>(a[i]) * b[i]);
      difference_sum +=
          (static_cast<long double>(a[i]) - b[i]) * (a[i] - static_cast<double>(b[i]));
    }
    EXPECT_NEAR(static_cast<double>(sum), dot, 1e-14 * static_cast<double>(size));
    EXPECT_NEAR(static_cast<double>(difference_sum), squared, 1e-13 * squared);
  }
}

}  // namespace
}  // namespace viper::kernels
