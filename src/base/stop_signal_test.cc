#include "base/stop_signal.h"

#include <limits>
#include <stop_token>

#include <gtest/gtest.h>

namespace viper {
namespace {

/// Every look at it takes a millisecond.
class TickingClock final : public Clock {
 public:
  Timestamp Now() const override { return {micros_ += 1000}; }
  int64_t looks() const { return micros_ / 1000; }

 private:
  mutable int64_t micros_ = 0;
};

std::string Progress() { return "after 3 of 7 clusters"; }

TEST(StopSignal, NeverStopsByItself) {
  EXPECT_TRUE(StopSignal().Check(Progress).ok());
  const TickingClock clock;
  const StopSignal signal({}, clock, 0);
  EXPECT_TRUE(signal.Check(Progress).ok());
  EXPECT_EQ(clock.looks(), 0);
}

TEST(StopSignal, TellsHowFarTheWorkHadGotWhenTimeIsUp) {
  const TickingClock clock;
  const StopSignal signal({}, clock, 3);
  EXPECT_TRUE(signal.Check(Progress).ok());
  EXPECT_TRUE(signal.Check(Progress).ok());
  const Status status = signal.Check(Progress);
  EXPECT_EQ(status.ToString(), "DeadlineExceeded: out of time after 3 of 7 clusters: timeout_ms=3");
}

TEST(StopSignal, ALongTimeoutDoesNotWrapAround) {
  const TickingClock clock;
  EXPECT_TRUE(StopSignal({}, clock, std::numeric_limits<uint64_t>::max()).Check(Progress).ok());
}

TEST(StopSignal, StopsWhenItsTokenSaysSo) {
  const TickingClock clock;
  std::stop_source source;
  const StopSignal signal(source.get_token(), clock, 0);
  EXPECT_TRUE(signal.Check(Progress).ok());
  source.request_stop();
  EXPECT_EQ(signal.Check(Progress).ToString(),
            "Cancelled: stopped by the caller after 3 of 7 clusters");
}

}  // namespace
}  // namespace viper
