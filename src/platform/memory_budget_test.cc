#include "platform/memory_budget.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"

namespace viper {
namespace {

using std::chrono::steady_clock;

steady_clock::time_point InMillis(int count) {
  return steady_clock::now() + std::chrono::milliseconds(count);
}

TEST(MemoryBudget, CountsByUseAndKnowsItsRoom) {
  MemoryBudget budget(1000);
  budget.Take(MemoryUse::kRows, 600);
  budget.Take(MemoryUse::kCaches, 100);
  EXPECT_EQ(budget.used(), 700U);
  EXPECT_EQ(budget.used(MemoryUse::kRows), 600U);
  EXPECT_EQ(budget.room(), 300U);
  EXPECT_EQ(budget.TakeUpTo(MemoryUse::kIndexBuilds, 200), 200U);
  EXPECT_EQ(budget.TakeUpTo(MemoryUse::kIndexBuilds, 200), 100U);
  EXPECT_EQ(budget.TakeUpTo(MemoryUse::kIndexBuilds, 200), 0U);
  // What was promised is taken all the same.
  budget.Take(MemoryUse::kFiles, 50);
  EXPECT_EQ(budget.room(), 0U);
  EXPECT_EQ(budget.used(), 1050U);
  budget.Give(MemoryUse::kRows, 600);
  EXPECT_EQ(budget.room(), 550U);
  EXPECT_EQ(budget.used(MemoryUse::kIndexBuilds), 300U);
}

TEST(MemoryBudget, WithoutALimitThereIsAlwaysRoom) {
  MemoryBudget budget(MemoryBudget::kUnlimited);
  EXPECT_FALSE(budget.is_limited());
  budget.Take(MemoryUse::kRows, uint64_t{1} << 50);
  EXPECT_TRUE(budget.TakeBefore(steady_clock::now(), MemoryUse::kRows, uint64_t{1} << 50,
                                uint64_t{1} << 50));
  EXPECT_EQ(budget.used(MemoryUse::kRows), uint64_t{1} << 51);
}

TEST(MemoryBudget, AWaitEndsAtItsDeadlineHavingAskedForMemory) {
  auto budget = std::make_shared<MemoryBudget>(1000);
  int asked = 0;
  {
    const MemoryBudget::Giver giver(budget, [&] { ++asked; });
    budget->Take(MemoryUse::kRows, 900);
    EXPECT_TRUE(budget->TakeBefore(InMillis(0), MemoryUse::kRows, 30, 70));
    EXPECT_EQ(asked, 0);
    EXPECT_EQ(budget->used(), 930U) << "what is to be spare is not taken";
    budget->Give(MemoryUse::kRows, 30);
    EXPECT_FALSE(budget->TakeBefore(InMillis(0), MemoryUse::kRows, 101, 0));
    EXPECT_EQ(asked, 1);
    // Again and again.
    EXPECT_FALSE(budget->TakeBefore(InMillis(120), MemoryUse::kRows, 101, 0));
    EXPECT_GE(asked, 3);
    asked = 0;
  }
  EXPECT_FALSE(budget->TakeBefore(InMillis(1), MemoryUse::kRows, 101, 0));
  EXPECT_EQ(asked, 0);
}

TEST(MemoryBudget, AGiverThatGivesAtOnceEndsTheWait) {
  auto budget = std::make_shared<MemoryBudget>(1000);
  budget->Take(MemoryUse::kRows, 1000);
  const MemoryBudget::Giver giver(budget, [&] { budget->Give(MemoryUse::kRows, 400); });
  EXPECT_TRUE(budget->TakeBefore(InMillis(0), MemoryUse::kRows, 400, 0));
}

TEST(MemoryBudget, AWaitEndsWhenAnotherThreadGives) {
  auto budget = std::make_shared<MemoryBudget>(1000);
  budget->Take(MemoryUse::kRows, 1000);
  std::thread other;
  const MemoryBudget::Giver giver(budget, [&] {
    other = std::thread([&] {
      for (int i = 0; i < 10; ++i) budget->Give(MemoryUse::kRows, 100);
    });
  });
  EXPECT_TRUE(budget->TakeBefore(InMillis(60'000), MemoryUse::kRows, 1000, 0));
  other.join();
}

TEST(MemoryBudget, ChargesGiveBackWhatTheyTook) {
  auto budget = std::make_shared<MemoryBudget>(uint64_t{1} << 20);
  {
    MemoryCharge charge(budget, MemoryUse::kFiles);
    charge.Set(1000);
    EXPECT_EQ(budget->used(MemoryUse::kFiles), 1000U);
    charge.Follow(2000);
    EXPECT_EQ(budget->used(), 1000U);
    charge.Follow(100'000);
    EXPECT_EQ(budget->used(), 100'000U);
    MemoryCharge moved = std::move(charge);
    EXPECT_EQ(moved.bytes(), 100'000U);
    MemoryCharge assigned(budget, MemoryUse::kRows);
    assigned.Set(5);
    assigned = std::move(moved);
    EXPECT_EQ(budget->used(MemoryUse::kRows), 0U);
    EXPECT_EQ(budget->used(), 100'000U);
    MemoryCharge other(budget, MemoryUse::kFiles);
    other.Set(50);
    assigned.TakeOver(other);
    EXPECT_EQ(other.bytes(), 0U);
    EXPECT_EQ(assigned.bytes(), 100'050U);
    EXPECT_EQ(budget->used(), 100'050U);
  }
  EXPECT_EQ(budget->used(), 0U);
  MemoryCharge uncounted;
  uncounted.Set(7);
  EXPECT_EQ(uncounted.bytes(), 0U);
}

TEST(MemoryBudget, ManyThreadsLeaveNothingBehind) {
  auto budget = std::make_shared<MemoryBudget>(10'000);
  std::vector<std::thread> threads;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    threads.emplace_back([&, seed] {
      Random random(seed);
      for (int round = 0; round < 2000; ++round) {
        const uint64_t taken = budget->TakeUpTo(MemoryUse::kRows, 1 + random.Uniform(4000));
        EXPECT_LE(budget->used(), 10'000U);
        budget->Give(MemoryUse::kRows, taken);
        const uint64_t waited_for = random.Uniform(4000);
        EXPECT_TRUE(budget->TakeBefore(InMillis(60'000), MemoryUse::kFiles, waited_for, 1000));
        EXPECT_LE(budget->used(), 10'000U);
        budget->Give(MemoryUse::kFiles, waited_for);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(budget->used(), 0U);
}

}  // namespace
}  // namespace viper
