#include "platform/mutex.h"

#include <thread>

#include <gtest/gtest.h>

namespace viper {
namespace {

TEST(ConditionVariable, WaiterSeesWhatTheNotifierWrote) {
  Mutex mutex;
  ConditionVariable changed;
  int turn = 0;
  const auto play = [&](int own_turn) {
    for (int round = 0; round < 100; ++round) {
      MutexLock lock(mutex);
      while (turn % 2 != own_turn) changed.Wait(mutex);
      ++turn;
      changed.NotifyAll();
    }
  };
  std::thread other([&] { play(1); });
  play(0);
  other.join();
  EXPECT_EQ(turn, 200);
}

TEST(ConditionVariable, WaitEndsAtItsDeadline) {
  Mutex mutex;
  ConditionVariable never;
  MutexLock lock(mutex);
  const auto past = std::chrono::steady_clock::now() - std::chrono::seconds(1);
  while (never.WaitUntil(mutex, past)) {
  }
}

}  // namespace
}  // namespace viper
