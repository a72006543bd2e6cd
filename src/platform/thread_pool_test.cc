#include "platform/thread_pool.h"

#include <atomic>
#include <latch>
#include <set>

#include <gtest/gtest.h>

namespace viper {
namespace {

TEST(ThreadPool, DoesEveryIndexOnce) {
  for (size_t thread_count : {1U, 2U, 5U}) {
    ThreadPool pool("test", thread_count);
    EXPECT_EQ(pool.thread_count(), thread_count);
    for (size_t count : {0U, 1U, 2U, 7U, 1000U}) {
      std::vector<std::atomic<int>> done(count);
      pool.ParallelFor(count, [&](size_t i) { ++done[i]; });
      for (const auto& times : done) ASSERT_EQ(times, 1);
    }
  }
}

TEST(ThreadPool, ZeroThreadsMeansOnePerCore) {
  EXPECT_GE(ThreadPool("test", 0).thread_count(), 1U);
}

TEST(ThreadPool, ThreadsReallyWorkSideBySide) {
  ThreadPool pool("test", 3);
  // Nobody gets past the latch before all three have come.
  std::latch all_here(3);
  Mutex mutex;
  std::set<std::thread::id> threads;
  pool.ParallelFor(3, [&](size_t) {
    all_here.arrive_and_wait();
    MutexLock lock(mutex);
    threads.insert(std::this_thread::get_id());
  });
  EXPECT_EQ(threads.size(), 3U);
}

TEST(ThreadPool, CallsMayNestDeeperThanThereAreThreads) {
  ThreadPool pool("test", 2);
  std::atomic<int> leaves{0};
  pool.ParallelFor(4, [&](size_t) {
    pool.ParallelFor(4, [&](size_t) { pool.ParallelFor(4, [&](size_t) { ++leaves; }); });
  });
  EXPECT_EQ(leaves, 64);
}

TEST(ThreadPool, ManyThreadsMaySplitWorkAtOnce) {
  ThreadPool pool("test", 3);
  std::atomic<size_t> sum{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) pool.ParallelFor(20, [&](size_t i) { sum += i; });
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(sum, 4U * 50 * 190);
}

TEST(ThreadPool, ResultsAreVisibleToTheCallerWithoutLocks) {
  ThreadPool pool("test", 4);
  for (int round = 0; round < 200; ++round) {
    std::vector<size_t> squares(50);
    pool.ParallelFor(squares.size(), [&](size_t i) { squares[i] = i * i; });
    for (size_t i = 0; i < squares.size(); ++i) ASSERT_EQ(squares[i], i * i);
  }
}

}  // namespace
}  // namespace viper
