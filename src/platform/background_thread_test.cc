#include "platform/background_thread.h"

#include <atomic>
#include <latch>
#include <semaphore>

#include <gtest/gtest.h>

namespace viper {
namespace {

using std::chrono::milliseconds;

TEST(BackgroundThread, RunsWhenNotified) {
  std::latch ran(1);
  BackgroundThread thread("test", milliseconds(0), [&] { ran.count_down(); });
  thread.Notify();
  ran.wait();
}

TEST(BackgroundThread, RunsAgainAndAgainWhenTimePasses) {
  std::atomic<int> calls{0};
  std::latch third(1);
  {
    BackgroundThread thread("test", milliseconds(1), [&] {
      if (++calls == 3) third.count_down();
    });
    third.wait();
  }
  EXPECT_GE(calls, 3);
}

TEST(BackgroundThread, NotificationDuringACallLeadsToAnother) {
  std::atomic<int> calls{0};
  std::latch first_started(1);
  std::latch go_on(1);
  std::latch second_done(1);
  BackgroundThread thread("test", milliseconds(0), [&] {
    if (++calls == 1) {
      first_started.count_down();
      go_on.wait();
    } else {
      second_done.count_down();
    }
  });
  thread.Notify();
  first_started.wait();
  thread.Notify();
  go_on.count_down();
  second_done.wait();
  EXPECT_EQ(calls, 2);
}

TEST(BackgroundThread, NeverRunsWithoutReason) {
  std::atomic<int> calls{0};
  {
    BackgroundThread thread("test", milliseconds(0), [&] { ++calls; });
  }
  {
    BackgroundThread thread("test", milliseconds(3'600'000), [&] { ++calls; });
  }
  EXPECT_EQ(calls, 0);
}

TEST(BackgroundThread, DestructorWaitsForTheRunningCall) {
  std::atomic<bool> finished{false};
  std::binary_semaphore started(0);
  {
    BackgroundThread thread("test", milliseconds(0), [&] {
      started.release();
      for (int i = 0; i < 1000; ++i) std::this_thread::yield();
      finished = true;
    });
    thread.Notify();
    started.acquire();
  }
  EXPECT_TRUE(finished);
}

TEST(BackgroundThread, AStoppedOneIsNotifiedInVain) {
  std::atomic<int> calls{0};
  BackgroundThread thread("test", milliseconds(0), [&] { ++calls; });
  thread.Stop();
  thread.Notify();
  thread.Stop();
  EXPECT_EQ(calls, 0);
}

}  // namespace
}  // namespace viper
