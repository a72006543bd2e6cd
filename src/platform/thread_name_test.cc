#include "platform/thread_name.h"

#include <array>
#include <thread>

#include <gtest/gtest.h>
#include <pthread.h>

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
#endif

}  // namespace
}  // namespace viper
