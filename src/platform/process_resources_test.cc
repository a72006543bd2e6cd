#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "testing/temp_directory.h"
#include "viper/resources.h"

namespace viper {
namespace {

TEST(ProcessResources, M4_MemoryFilesAndBytesAreCounted) {
  const ProcessResources before = ReadProcessResources();
  ASSERT_TRUE(before.resident_bytes && before.open_files && before.cpu_seconds && before.threads);
  constexpr size_t kBytes = size_t{64} << 20;
  std::vector<char> memory(kBytes, 'x');
  const ProcessResources with_memory = ReadProcessResources();
  EXPECT_NEAR(static_cast<double>(*with_memory.resident_bytes - *before.resident_bytes), kBytes,
              0.05 * kBytes);
  const TempDirectory directory;
  std::ofstream file(directory / "file");
  EXPECT_EQ(*ReadProcessResources().open_files, *before.open_files + 1);
  file.write(memory.data(), 1 << 20);
  file.close();
  const ProcessResources after = ReadProcessResources();
  EXPECT_EQ(*after.open_files, *before.open_files);
  if (before.write_call_bytes) {
    EXPECT_NEAR(static_cast<double>(*after.write_call_bytes - *before.write_call_bytes), 1 << 20,
                0.05 * (1 << 20));
  }
}

TEST(ProcessResources, M4_ProcessorTimeAndThreadsAreCounted) {
  const ProcessResources before = ReadProcessResources();
  std::thread thread([&] {
    EXPECT_EQ(*ReadProcessResources().threads, *before.threads + 1);
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
    while (std::chrono::steady_clock::now() < end) {
    }
  });
  thread.join();
  EXPECT_GT(*ReadProcessResources().cpu_seconds, *before.cpu_seconds);
}

}  // namespace
}  // namespace viper
