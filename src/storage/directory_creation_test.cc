#include "storage/directory_creation.h"

#include <gtest/gtest.h>

#include "testing/memory_file_system.h"
#include "testing/status_matchers.h"

namespace viper::storage {
namespace {

TEST(CreateDurableDirectories, SurvivesPowerLoss) {
  MemoryFileSystem file_system;
  ASSERT_OK(CreateDurableDirectories(file_system, "/a/b/c", 3));
  EXPECT_TRUE(*file_system.DurableImage(CrashMode::kDropUnsynced)->Exists("/a/b/c"));
}

TEST(CreateDurableDirectories, SyncsWhatADeadProcessCreated) {
  MemoryFileSystem file_system;
  ASSERT_OK(file_system.CreateDirectories("/a/b/c"));
  ASSERT_OK(CreateDurableDirectories(file_system, "/a/b/c", 3));
  EXPECT_TRUE(*file_system.DurableImage(CrashMode::kDropUnsynced)->Exists("/a/b/c"));
}

}  // namespace
}  // namespace viper::storage
