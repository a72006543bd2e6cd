#include "platform/periodic_service.h"

#include <atomic>
#include <latch>
#include <memory>
#include <semaphore>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace viper {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

/// Tells the time by which services go.
class SteadyClock final : public Clock {
 public:
  Timestamp Now() const override {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return {std::chrono::duration_cast<std::chrono::microseconds>(now).count()};
  }
};

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
  constexpr milliseconds kInterval(20);
  const SteadyClock clock;
  std::latch enough(kRuns);
  std::vector<int64_t> due;  // by the thread of the service, until there are enough
  std::unique_ptr<PeriodicService> service;
  service = std::make_unique<PeriodicService>(
      "test", kInterval,
      [&](const std::stop_token&) {
        if (due.size() == kRuns) return Status::Ok();
        due.push_back(service->Health().next_run->micros);
        enough.count_down();
        return Status::Ok();
      },
      clock);
  const int64_t begin = clock.Now().micros;
  service->Start();
  const int64_t started = clock.Now().micros;
  enough.wait();
  const int64_t end = clock.Now().micros;
  service->Stop();
  constexpr int64_t kIntervalMicros = std::chrono::microseconds(kInterval).count();
  // None comes before its time, so the last cannot either; how long after it is the machine's.
  EXPECT_GE(end - begin, kRuns * kIntervalMicros);
  // Each is due within a tenth after its own time, whatever those before it were. A thread that is
  // held up between looking at two clocks tells a little more, now and then.
  constexpr int64_t kSlackMicros = 2'000;
  constexpr int64_t kRoundingMicros = 5;
  int late = 0;
  for (const int64_t at : due) {
    const int64_t since = at - begin + kRoundingMicros;
    EXPECT_GE(since, kIntervalMicros);
    const int64_t after = since % kIntervalMicros;
    late += after > kIntervalMicros / 10 + (started - begin) + kSlackMicros ? 1 : 0;
  }
  EXPECT_LE(late, kRuns / 8);
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
