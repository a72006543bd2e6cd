#include <cstdlib>

#include <gtest/gtest.h>

#include "kernels/kernel_table.h"

namespace viper::kernels {
namespace {

TEST(Dispatch, ScalarIsFirstAndEveryLevelIsComplete) {
  const std::vector<const KernelTable*> tables = Available();
  ASSERT_FALSE(tables.empty());
  EXPECT_EQ(tables.front()->name, "scalar");
  for (const KernelTable* table : tables) {
    EXPECT_NE(table->dot, nullptr) << table->name;
    EXPECT_NE(table->squared_l2, nullptr) << table->name;
    EXPECT_NE(table->squared_norm, nullptr) << table->name;
    EXPECT_NE(table->dot_and_squared_norm, nullptr) << table->name;
    EXPECT_NE(table->table_bytes, nullptr) << table->name;
    EXPECT_NE(table->build_table, nullptr) << table->name;
    EXPECT_NE(table->scan_block, nullptr) << table->name;
    EXPECT_NE(table->dot_bytes, nullptr) << table->name;
    EXPECT_NE(table->hadamard, nullptr) << table->name;
    EXPECT_NE(table->nearest, nullptr) << table->name;
    EXPECT_NE(table->mask_not_below, nullptr) << table->name;
    EXPECT_NE(table->exact_dot, nullptr) << table->name;
    EXPECT_NE(table->exact_squared_l2, nullptr) << table->name;
    EXPECT_NE(table->mask_not_above, nullptr) << table->name;
  }
}

TEST(Dispatch, EveryAvailableLevelIsFoundByItsName) {
  for (const KernelTable* table : Available()) {
    const Result<const KernelTable*> found = ByName(table->name);
    ASSERT_TRUE(found.ok()) << found.status().ToString();
    EXPECT_EQ(*found, table);
  }
}

#if defined(__aarch64__)
TEST(Dispatch, SixtyFourBitArmHasScalarAndNeon) {
  ASSERT_EQ(Available().size(), 2);
  EXPECT_EQ(Available().back()->name, "neon");
}
#endif

TEST(Dispatch, LevelsOfAnotherArchitectureAreUnsupportedAndUnknownNamesAreInvalid) {
#if defined(__aarch64__)
  EXPECT_EQ(ByName("avx2").status().code(), StatusCode::kUnsupported);
  EXPECT_EQ(ByName("avx512_vbmi").status().code(), StatusCode::kUnsupported);
#else
  EXPECT_EQ(ByName("neon").status().code(), StatusCode::kUnsupported);
#endif
  EXPECT_EQ(ByName("avx3").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(ByName("").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(ByName("AVX2").status().code(), StatusCode::kInvalidArgument);
}

[[noreturn]] void ExitWithActiveLevel(const char* forced) {
  setenv("VIPER_KERNEL", forced, 1);
  std::exit(Active().name == Available().back()->name ? 2 : Active().name == "scalar" ? 1 : 3);
}

// Each choice is made once per process, so each is made in a fork; the parent makes none. A program
// under an emulator could not start itself anew.
TEST(DispatchDeathTest, TheEnvironmentForcesALevel) {
  if (Available().size() == 1) GTEST_SKIP() << "this processor has one level";
  EXPECT_EXIT(ExitWithActiveLevel("scalar"), testing::ExitedWithCode(1), "");
  EXPECT_EXIT(ExitWithActiveLevel(""), testing::ExitedWithCode(2), "");
}

TEST(DispatchDeathTest, AnUnknownLevelStopsTheProcessAndIsNamed) {
  EXPECT_DEATH(ExitWithActiveLevel("avx1024"), "VIPER_KERNEL.*level=avx1024");
}

}  // namespace
}  // namespace viper::kernels
