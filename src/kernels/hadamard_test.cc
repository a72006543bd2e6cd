// The transform of every level against the definition, and against the scalar one bit for bit.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "kernels/kernel_table.h"

namespace viper::kernels {
namespace {

constexpr float kUntouched = -12345.0F;

std::vector<float> RandomFloats(Random& random, size_t count) {
  std::vector<float> floats(count);
  for (float& component : floats) component = static_cast<float>(random.UniformDouble() * 4 - 2);
  return floats;
}

class HadamardTest : public testing::TestWithParam<const KernelTable*> {
 protected:
  Random random_{20254};
};

TEST_P(HadamardTest, FollowsTheDefinition) {
  for (size_t size = 1; size <= 1024; size *= 2) {
    SCOPED_TRACE(size);
    const std::vector<float> input = RandomFloats(random_, size);
    std::vector<float> output = input;
    GetParam()->hadamard(output.data(), size);
    for (size_t row = 0; row < size; ++row) {
      double sum = 0;
      for (size_t i = 0; i < size; ++i) {
        sum += std::popcount(row & i) % 2 == 0 ? input[i] : -input[i];
      }
      ASSERT_NEAR(output[row], sum, 1e-6 * static_cast<double>(size)) << "row " << row;
    }
  }
}

TEST_P(HadamardTest, AgreesWithScalarBitForBitAtAnyAddress) {
  for (size_t size = 1; size <= 65'536; size *= 2) {
    for (const size_t first : {0, 1, 5}) {
      SCOPED_TRACE(size);
      std::vector<float> values = RandomFloats(random_, first + size + 1);
      values[first] = -0.0F;
      values.back() = kUntouched;
      std::vector<float> expected = values;
      Available().front()->hadamard(expected.data() + first, size);
      GetParam()->hadamard(values.data() + first, size);
      for (size_t i = 0; i < values.size(); ++i) {
        ASSERT_EQ(std::bit_cast<uint32_t>(values[i]), std::bit_cast<uint32_t>(expected[i])) << i;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EveryLevel, HadamardTest, testing::ValuesIn(Available()),
                         [](const auto& level) { return std::string(level.param->name); });

}  // namespace
}  // namespace viper::kernels
