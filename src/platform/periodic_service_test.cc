#include "platform/periodic_service.h"

#include <atomic>
#include <latch>
#include <semaphore>
#include <set>

#include <gtest/gtest.h>

namespace viper {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

TEST(PeriodicService, RunsAgainAndAgainAndCounts) {
  std::latch third(3);
  std::atomic<int> calls{0};
  PeriodicService service("test", milliseconds(1), [&](const std::stop_token&) {
    if (++calls <= 3) third.count_down();
    return Status::Ok();
  });
  EXPECT_EQ(service.Health().state, ServiceState::kStopped);
  EXPECT_EQ(service.Health().next_run, std::nullopt);
  service.Start();
  third.wait();
  service.Stop();
  const ServiceHealth health = service.Health();
  EXPECT_EQ(health.name, "test");
  EXPECT_EQ(health.state, ServiceState::kStopped);
  EXPECT_EQ(health.runs, static_cast<uint64_t>(calls));
  EXPECT_EQ(health.failures, 0u);
  EXPECT_NE(health.last_run, std::nullopt);
  EXPECT_EQ(health.next_run, std::nullopt);
  EXPECT_FALSE(health.last_error.has_value());
}

TEST(PeriodicService, AFailedRunIsToldAndTheNextOneComes) {
  std::latch second(2);
  std::atomic<int> calls{0};
  PeriodicService service("test", milliseconds(1), [&](const std::stop_token&) {
    if (++calls <= 2) second.count_down();
    return calls == 1 ? Status::IoError("no disk") : Status::Ok();
  });
  service.Start();
  second.wait();
  service.Stop();
  const ServiceHealth health = service.Health();
  EXPECT_EQ(health.failures, 1u);
  EXPECT_FALSE(health.is_failing);
  ASSERT_TRUE(health.last_error.has_value());
  EXPECT_NE(health.last_error->find("no disk"), std::string::npos);
}

TEST(PeriodicService, NotifyDoesNotWaitForTheInterval) {
  std::latch ran(1);
  PeriodicService service("test", hours(1), [&](const std::stop_token&) {
    ran.count_down();
    return Status::Ok();
  });
  service.Notify();  // in vain: it is stopped
  service.Start();
  EXPECT_EQ(service.Health().runs, 0u);
  const auto next = service.Health().next_run;
  ASSERT_TRUE(next.has_value());
  EXPECT_GT(next->micros, Clock::System().Now().micros + 3'000'000'000);
  service.Notify();
  ran.wait();
  service.Stop();
  EXPECT_EQ(service.Health().runs, 1u);
}

TEST(PeriodicService, U09_ServicesThatAreStartedTogetherAreNotDueTogether) {
  std::set<int64_t> minutes;
  for (int i = 0; i < 30; ++i) {
    PeriodicService service("test", hours(10), [](const std::stop_token&) { return Status::Ok(); });
    const int64_t begin = Clock::System().Now().micros;
    service.Start();
    const double hours_until =
        static_cast<double>(service.Health().next_run->micros - begin) / 3'600'000'000;
    EXPECT_GT(hours_until, 9.99);
    EXPECT_LT(hours_until, 11.01);
    minutes.insert(static_cast<int64_t>(hours_until * 60));
  }
  EXPECT_GT(minutes.size(), 10u);
}

TEST(PeriodicService, U09_ChanceDoesNotAddUp) {
  constexpr int kRuns = 40;
  constexpr milliseconds kInterval(5);
  std::latch enough(kRuns);
  std::atomic<int> calls{0};
  PeriodicService service("test", kInterval, [&](const std::stop_token&) {
    if (++calls <= kRuns) enough.count_down();
    return Status::Ok();
  });
  const auto begin = std::chrono::steady_clock::now();
  service.Start();
  enough.wait();
  const auto elapsed = std::chrono::steady_clock::now() - begin;
  service.Stop();
  // None comes before its time, so the last cannot either; how long after it is the machine's.
  EXPECT_GE(elapsed, kRuns * kInterval);
}

TEST(PeriodicService, StopAsksARunToEndAndWaitsForIt) {
  std::binary_semaphore started(0);
  std::atomic<bool> ended{false};
  PeriodicService service("test", milliseconds(1), [&](const std::stop_token& stop) {
    started.release();
    while (!stop.stop_requested()) std::this_thread::yield();
    ended = true;
    return Status::Cancelled("asked to stop");
  });
  service.Start();
  service.Start();
  started.acquire();
  service.Stop();
  EXPECT_TRUE(ended);
  service.Stop();
  // And it can be started again.
  ended = false;
  service.Start();
  started.acquire();
  service.Stop();
  EXPECT_TRUE(ended);
  EXPECT_EQ(service.Health().runs, 2u);
}

}  // namespace
}  // namespace viper
