#include "core/scratch_files.h"

#include <gtest/gtest.h>

#include "base/coding.h"
#include "testing/status_matchers.h"

namespace viper::core {
namespace {

TEST(ScratchFiles, WhatIsWrittenCanBeMappedRenamedAndRemoved) {
  ScratchFiles files;
  ASSERT_OK_AND_ASSIGN(auto file, files.CreateFile("a/b"));
  ASSERT_OK(file->Append(AsBytes("one")));
  ASSERT_OK(file->Append(AsBytes("two")));
  ASSERT_OK(file->Sync());
  ASSERT_OK(file->Close());
  EXPECT_STATUS(kAlreadyExists, "a/b", files.CreateFile("a/b"));
  ASSERT_OK(files.Rename("a/b", "c"));
  EXPECT_STATUS(kNotFound, "a/b", files.Map("a/b"));
  ASSERT_OK_AND_ASSIGN(const auto map, files.Map("c"));
  ASSERT_OK_AND_ASSIGN(const uint64_t size, files.FileSize("c"));
  EXPECT_EQ(size, 6u);
  ASSERT_OK(files.RemoveFile("c"));
  EXPECT_EQ(AsText(map->bytes()), "onetwo");
  ASSERT_OK_AND_ASSIGN(const bool exists, files.Exists("c"));
  EXPECT_FALSE(exists);
  EXPECT_STATUS(kNotFound, "c", files.RemoveFile("c"));
  EXPECT_STATUS(kNotFound, "c", files.Rename("c", "d"));
  ASSERT_OK(files.CreateDirectories("x"));
  ASSERT_OK(files.SyncDirectory("x"));
}

TEST(ScratchFiles, WhatTrialsDoNotNeedIsRefused) {
  ScratchFiles files;
  ASSERT_OK_AND_ASSIGN(auto file, files.CreateFile("a"));
  EXPECT_STATUS(kUnsupported, "", file->WriteAt(0, AsBytes("x")));
  EXPECT_STATUS(kUnsupported, "a", files.OpenForWrite("a"));
  EXPECT_STATUS(kUnsupported, "a", files.OpenForRead("a"));
  EXPECT_STATUS(kUnsupported, "a", files.List("a"));
  EXPECT_STATUS(kUnsupported, "a", files.Link("a", "b"));
  EXPECT_STATUS(kUnsupported, "a", files.Lock("a"));
  EXPECT_STATUS(kUnsupported, "a", files.RemoveDirectoryTree("a"));
}

}  // namespace
}  // namespace viper::core
