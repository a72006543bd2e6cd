#include "testing/temp_directory.h"

#include <gtest/gtest.h>

#include "testing/status_matchers.h"
#include "viper/file_system.h"

namespace viper {
namespace {

TEST(TempDirectory, IsNewAndGoesWithAllInIt) {
  std::string path;
  {
    const TempDirectory directory;
    const TempDirectory other;
    path = directory.path();
    EXPECT_NE(path, other.path());
    EXPECT_TRUE(FileSystem::Local().List(path)->empty());
    ASSERT_OK(FileSystem::Local().CreateDirectories(directory / "a/b"));
  }
  EXPECT_FALSE(*FileSystem::Local().Exists(path));
}

}  // namespace
}  // namespace viper
