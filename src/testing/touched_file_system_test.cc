#include "testing/touched_file_system.h"

#include <unistd.h>

#include <gtest/gtest.h>

#include "testing/memory_file_system.h"
#include "testing/status_matchers.h"

namespace viper {
namespace {

class TouchedFileSystemTest : public ::testing::Test {
 protected:
  std::unique_ptr<MappedFile> MapOf(const std::string& path, size_t size) {
    auto file = touched_.CreateFile(path);
    EXPECT_OK(file);
    EXPECT_OK((*file)->Append(std::vector<std::byte>(size, std::byte{7})));
    auto map = touched_.Map(path);
    EXPECT_OK(map);
    return std::move(*map);
  }

  const size_t page_ = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  MemoryFileSystem files_;
  TouchedFileSystem touched_{files_, ".parquet"};
};

TEST_F(TouchedFileSystemTest, CountsThePagesThatAreLookedAtOnceEach) {
  const auto map = MapOf("/a.parquet", 10 * page_ + 5);
  EXPECT_EQ(map->bytes().size(), 10 * page_ + 5);
  EXPECT_EQ(touched_.mapped_bytes(), 10 * page_ + 5);
  EXPECT_EQ(touched_.touched_bytes(), 0u);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(map->bytes()[3 * page_ + 1], std::byte{7});
    EXPECT_EQ(map->bytes()[4 * page_ - 1], std::byte{7});
    EXPECT_EQ(map->bytes()[10 * page_ + 4], std::byte{7});
    EXPECT_EQ(touched_.touched_bytes(), 2 * page_);
  }
}

TEST_F(TouchedFileSystemTest, OtherFilesAndMapsThatAreGoneAreNotCounted) {
  const auto other = MapOf("/b.json", page_);
  EXPECT_EQ(other->bytes()[0], std::byte{7});
  EXPECT_EQ(touched_.mapped_bytes(), 0u);
  for (int i = 0; i < 1000; ++i) {
    const auto map = MapOf("/" + std::to_string(i) + ".parquet", 1);
    EXPECT_EQ(map->bytes()[0], std::byte{7});
  }
  EXPECT_EQ(touched_.mapped_bytes(), 1000u);
  EXPECT_EQ(touched_.touched_bytes(), 1000 * page_);
}

}  // namespace
}  // namespace viper
