#include "platform/periodic_service.h"

#include <atomic>
#include <latch>
#include <semaphore>

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
