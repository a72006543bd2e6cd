#include "platform/thread_name.h"

#include <array>
#include <thread>

#include <gtest/gtest.h>
#include <pthread.h>
#if defined(__linux__)
#include <sys/resource.h>
#endif

namespace viper {
namespace {

#if defined(__linux__)
TEST(ThreadName, LinuxKeepsFifteenBytes) {
  std::array<char, 32> name{};
  std::thread([&] {
    SetThreadName("viper-background-flush");
    ASSERT_EQ(pthread_getname_np(pthread_self(), name.data(), name.size()), 0);
  }).join();
  EXPECT_STREQ(name.data(), "viper-backgroun");
}

TEST(ThreadPriority, IsLoweredForTheCallingThreadOnly) {
  const int before = getpriority(PRIO_PROCESS, 0);
  int lowered = 0;
  std::thread([&] {
    LowerThreadPriority();
    lowered = getpriority(PRIO_PROCESS, 0);
  }).join();
  EXPECT_EQ(lowered, 19);
  EXPECT_EQ(getpriority(PRIO_PROCESS, 0), before);
}
#endif

}  // namespace
}  // namespace viper
