#include <gtest/gtest.h>

#include "testing/manual_clock.h"
#include "viper/clock.h"

namespace viper {
namespace {

TEST(SystemClock, TellsTheYearsOfThisEngine) {
  const Timestamp now = Clock::System().Now();
  EXPECT_GT(now, *Timestamp::Parse("2024-01-01"));
  EXPECT_LT(now, *Timestamp::Parse("2200-01-01"));
  EXPECT_EQ(&Clock::System(), &Clock::System());
}

TEST(ManualClock, StandsStillUntilTold) {
  ManualClock clock(Timestamp{5});
  EXPECT_EQ(clock.Now().micros, 5);
  clock.AdvanceSeconds(2);
  clock.AdvanceMicros(1);
  EXPECT_EQ(clock.Now().micros, 2'000'006);
  clock.Set(Timestamp{1});
  EXPECT_EQ(clock.Now().micros, 1);
}

}  // namespace
}  // namespace viper
