#include "pipeline/new_file.h"

#include "testing/memory_file_system.h"
#include "testing/status_matchers.h"

namespace viper::pipeline {
namespace {

constexpr std::byte kContent[3] = {};

TEST(NewFile, P18_UntilItIsCommittedThereIsAHiddenFileOnly) {
  MemoryFileSystem files;
  {
    ASSERT_OK_AND_ASSIGN(const auto file, NewFile::Create(files, "/a/b/c.parquet", false));
    EXPECT_OK(file->file().Append(kContent));
    EXPECT_TRUE(files.Exists(file->staged_path()).value());
    EXPECT_TRUE(file->staged_path().starts_with("/a/b/.c.parquet."));
    EXPECT_FALSE(files.Exists("/a/b/c.parquet").value());
  }
  EXPECT_TRUE(files.List("/a/b").value().empty()) << "given up, and removed";
  ASSERT_OK_AND_ASSIGN(const auto file, NewFile::Create(files, "/a/b/c.parquet", false));
  EXPECT_OK(file->file().Append(kContent));
  EXPECT_OK(file->Sync());
  EXPECT_OK(file->Commit());
  EXPECT_EQ(files.List("/a/b").value(), std::vector<std::string>{"c.parquet"});
  const auto image = files.DurableImage(CrashMode::kDropUnsynced);
  EXPECT_EQ(image->FileSize("/a/b/c.parquet").value(), 3u);
}

TEST(NewFile, P18_D10_OfTwoThatWantOneNameTheFirstToCommitHasIt) {
  MemoryFileSystem files;
  ASSERT_OK_AND_ASSIGN(const auto first, NewFile::Create(files, "/x", false));
  ASSERT_OK_AND_ASSIGN(const auto second, NewFile::Create(files, "/x", false));
  EXPECT_OK(first->file().Append(kContent));
  EXPECT_OK(first->Sync());
  EXPECT_OK(second->Sync());
  EXPECT_OK(first->Commit());
  EXPECT_STATUS(kAlreadyExists, "/x", second->Commit());
  EXPECT_EQ(files.FileSize("/x").value(), 3u);
  EXPECT_STATUS(kAlreadyExists, "/x", NewFile::Create(files, "/x", false));
  ASSERT_OK_AND_ASSIGN(const auto third, NewFile::Create(files, "/x", true));
  EXPECT_OK(third->Sync());
  EXPECT_OK(third->Commit());
  EXPECT_EQ(files.FileSize("/x").value(), 0u);
}

TEST(NewFile, RelativePathsAndPathsWithoutAName) {
  MemoryFileSystem files;
  for (const char* path : {"name", "folder/name"}) {
    ASSERT_OK_AND_ASSIGN(const auto file, NewFile::Create(files, path, false));
    EXPECT_OK(file->Sync());
    EXPECT_OK(file->Commit());
    EXPECT_TRUE(files.DurableImage(CrashMode::kDropUnsynced)->Exists(path).value()) << path;
  }
  EXPECT_STATUS(kInvalidArgument, "'folder/'", NewFile::Create(files, "folder/", false));
}

}  // namespace
}  // namespace viper::pipeline
