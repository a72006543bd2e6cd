#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "kernels/kernel_table.h"

namespace viper::kernels {
namespace {

TEST(MaskNotAbove, EveryLevelSetsTheBitsOfValuesUpToTheLimit) {
  Random random(3);
  const std::vector<float> special = {
      -std::numeric_limits<float>::infinity(), -1,           -0.0F, 0, 0.5F,
      std::numeric_limits<float>::infinity(),  std::nanf("")};
  for (const KernelTable* kernel : Available()) {
    for (const size_t blocks : {0, 1, 2, 7}) {
      std::vector<float> values(64 * blocks + 1);
      for (float& value : values) value = special[random.Uniform(special.size())];
      for (const float limit : special) {
        std::vector<uint64_t> masks(blocks + 1, 12345);
        const size_t count = kernel->mask_not_above(values.data() + 1, blocks, limit, masks.data());
        size_t expected = 0;
        for (size_t i = 0; i < 64 * blocks; ++i) {
          ASSERT_EQ((masks[i / 64] >> (i % 64)) & 1, values[i + 1] <= limit ? 1U : 0U)
              << kernel->name << " " << i;
          expected += values[i + 1] <= limit ? 1 : 0;
        }
        EXPECT_EQ(count, expected);
        EXPECT_EQ(masks[blocks], 12345U);
      }
    }
  }
}

}  // namespace
}  // namespace viper::kernels
