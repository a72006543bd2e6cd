#include "platform/cut_guard.h"

#include <csignal>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "testing/status_matchers.h"
#include "testing/temp_directory.h"
#include "viper/file_system.h"

namespace viper {
namespace {

class CutGuardTest : public ::testing::Test {
 protected:
  static constexpr size_t kPages = 8;

  std::unique_ptr<MappedFile> MapNew(const std::string& name) {
    FileSystem& files = FileSystem::Local();
    const std::string path = directory_ / name;
    auto file = files.CreateFile(path).value();
    const std::vector<std::byte> bytes(kPages * page_bytes_, std::byte{7});
    EXPECT_OK(file->Append(bytes));
    EXPECT_OK(file->Close());
    return files.Map(path).value();
  }

  void Cut(const std::string& name, size_t pages) {
    ASSERT_EQ(truncate((directory_ / name).c_str(), static_cast<off_t>(pages * page_bytes_)), 0);
  }

  /// As the compiler must not guess it.
  static std::byte Read(const MappedFile& file, size_t offset) {
    return *static_cast<const volatile std::byte*>(file.bytes().data() + offset);
  }

  const size_t page_bytes_ = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  TempDirectory directory_;
};

TEST_F(CutGuardTest, WhatIsLostReadsAsZerosAndIsTold) {
  const auto cut = MapNew("cut");
  const auto whole = MapNew("whole");
  const CutGuard guard(cut->bytes());
  const CutGuard other(whole->bytes());
  Cut("cut", 3);
  EXPECT_EQ(Read(*cut, 3 * page_bytes_ - 1), std::byte{7});
  EXPECT_EQ(Read(*cut, 4 * page_bytes_), std::byte{0});
  EXPECT_TRUE(guard.is_cut());
  EXPECT_EQ(Read(*cut, 3 * page_bytes_), std::byte{0});
  EXPECT_EQ(Read(*cut, kPages * page_bytes_ - 1), std::byte{0});
  EXPECT_EQ(Read(*cut, 0), std::byte{7});
  EXPECT_FALSE(other.is_cut());
  EXPECT_EQ(Read(*whole, 4 * page_bytes_), std::byte{7});
}

/// Of the last page of a file what is left stays: it takes no signal to lose the rest.
TEST_F(CutGuardTest, ALittleThatIsLostIsToldThoughNobodyHasReadIt) {
  const auto file = MapNew("file");
  const CutGuard guard(file->bytes());
  EXPECT_FALSE(guard.is_cut());
  ASSERT_EQ(truncate((directory_ / "file").c_str(), static_cast<off_t>(file->bytes().size() - 3)),
            0);
  EXPECT_TRUE(guard.is_cut());
}

TEST_F(CutGuardTest, AGuardThatIsUsedAgainForgets) {
  for (int round = 0; round < 3; ++round) {
    const std::string name = "file" + std::to_string(round);
    const auto file = MapNew(name);
    const CutGuard guard(file->bytes());
    EXPECT_FALSE(guard.is_cut());
    Cut(name, 0);
    EXPECT_EQ(Read(*file, 5), std::byte{0});
    EXPECT_TRUE(guard.is_cut());
  }
}

/// Threads meet the end of files while guards come and go.
TEST_F(CutGuardTest, ManyThreadsMeetCutsAtOnce) {
  std::vector<std::thread> threads;
  for (int number = 0; number < 4; ++number) {
    threads.emplace_back([this, number] {
      for (int round = 0; round < 50; ++round) {
        const std::string name = std::to_string(number) + "-" + std::to_string(round);
        const auto file = MapNew(name);
        const CutGuard guard(file->bytes());
        Cut(name, 1);
        EXPECT_EQ(Read(*file, 0), std::byte{7});
        for (size_t page = 1; page < kPages; ++page) {
          EXPECT_EQ(Read(*file, page * page_bytes_), std::byte{0});
        }
        EXPECT_TRUE(guard.is_cut());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

class CutGuardDeathTest : public CutGuardTest {
 protected:
  // In a process of its own, where no guard was before.
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(CutGuardDeathTest, WhatIsNotGuardedEndsTheProcess) {
  EXPECT_DEATH(
      {
        const auto guarded = MapNew("guarded");
        const CutGuard guard(guarded->bytes());
        const auto file = MapNew("file");
        Cut("file", 1);
        (void)Read(*file, 2 * page_bytes_);
      },
      "");
}

TEST_F(CutGuardDeathTest, TheHandlerThatWasThereBeforeGetsAllOthers) {
  EXPECT_EXIT(
      {
        (void)std::signal(SIGBUS, [](int) { _exit(42); });
        const auto guarded = MapNew("guarded");
        const CutGuard guard(guarded->bytes());
        Cut("guarded", 1);
        if (Read(*guarded, 2 * page_bytes_) != std::byte{0}) _exit(1);
        (void)raise(SIGBUS);
      },
      ::testing::ExitedWithCode(42), "");
}

}  // namespace
}  // namespace viper
