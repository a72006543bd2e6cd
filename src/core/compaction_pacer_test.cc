#include "core/compaction_pacer.h"

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "core/collection_fixture.h"

namespace viper::core {
namespace {

TEST(CompactionPacer, TellsTheShareDone) {
  std::vector<double> told;
  const CompactOptions options = {.progress = [&](double share) {
    told.push_back(share);
    return true;
  }};
  CompactionPacer pacer(options, 0);
  pacer.Expect(100);
  ASSERT_OK(pacer.Advance(25));
  pacer.Expect(200);
  ASSERT_OK(pacer.Advance(25));
  ASSERT_OK(pacer.Advance(1'000));
  EXPECT_EQ(told, (std::vector<double>{0.25, 0.25, 1}));
}

TEST(CompactionPacer, OneThreadAtATimeIsAskedAndAllStopWhenOneIsTold) {
  std::atomic<int> inside = 0;
  int calls = 0;
  const CompactOptions options = {.progress = [&](double) {
    EXPECT_EQ(inside.fetch_add(1), 0);
    const bool goes_on = ++calls < 1'000;
    inside.fetch_sub(1);
    return goes_on;
  }};
  CompactionPacer pacer(options, 0);
  std::vector<std::thread> workers;
  for (int i = 0; i < 3; ++i) {
    workers.emplace_back([&] {
      while (pacer.Advance(1).ok()) {
      }
      EXPECT_STATUS(kCancelled, "", pacer.Advance(0));
    });
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(calls, 1'000) << "who was told to stop is not asked again";
}

TEST(CompactionPacer, StopsWhenAWorkerHasFailed) {
  const CompactOptions options;
  CompactionPacer pacer(options, 0);
  ASSERT_OK(pacer.Advance(1));
  pacer.Stop();
  EXPECT_STATUS(kCancelled, "another of its workers failed", pacer.Advance(1));
}

TEST(CompactionPacer, WaitsAsLongAsTheRateSays) {
  const CompactOptions options;
  const auto begin = std::chrono::steady_clock::now();
  CompactionPacer pacer(options, 1'000'000);
  double waited = 0;
  for (int i = 0; i < 10; ++i) {
    ASSERT_OK_AND_ASSIGN(const double seconds, pacer.Advance(2'000));
    waited += seconds;
  }
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(passed.count(), 0.02);
  EXPECT_LE(waited, passed.count());
}

}  // namespace
}  // namespace viper::core
