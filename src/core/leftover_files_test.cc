#include "core/leftover_files.h"

#include <gtest/gtest.h>

#include "storage/file_names.h"
#include "testing/memory_file_system.h"
#include "testing/status_matchers.h"

namespace viper::core {
namespace {

constexpr const char* kUuid = "00000000-0000-4000-8000-00000000000";

TEST(LeftoverFiles, AreThoseThatTheTableDoesNotName) {
  MemoryFileSystem files;
  const std::string table = "/t";
  const auto put = [&](const std::string& path) {
    ASSERT_OK_AND_ASSIGN(auto file, files.CreateFile(path));
    ASSERT_OK(file->Append(std::vector<std::byte>(10)));
  };
  for (const std::string& directory : {storage::TmpDirectory(table), storage::IndexDirectory(table),
                                       storage::WalDirectory(table)}) {
    ASSERT_OK(files.CreateDirectories(directory));
  }
  const auto part = [](int number) { return storage::PartName(kUuid + std::to_string(number)); };
  storage::TableState state;
  state.files[part(1)].path = part(1);
  state.tombstones[part(2)].path = part(2);
  for (int number = 1; number <= 3; ++number) {
    put(storage::DataFilePath(table, part(number)));
    put(storage::SidecarPath(table, part(number)));
  }
  put(storage::DataFilePath(table, "foreign.parquet"));
  put(storage::TmpPath(table, "x"));
  put(storage::JoinPath(storage::WalDirectory(table), storage::kWalUnfinishedName));
  put(storage::JoinPath(storage::WalDirectory(table), storage::kWalSpareName));
  put(storage::JoinPath(storage::WalDirectory(table), storage::WalSegmentName(1)));
  put(storage::ModelPath(table, 7));
  put(storage::SegmentPath(table, kUuid + std::string("9")));

  const UnreferencedFiles found = FindUnreferencedFiles(files, table, state);
  std::vector<std::string> paths;
  for (const auto& file : found.leftovers) {
    paths.push_back(file.path);
    EXPECT_EQ(file.bytes, 10u);
  }
  EXPECT_EQ(paths, (std::vector<std::string>{
                       storage::TmpPath(table, "x"), storage::DataFilePath(table, part(3)),
                       storage::SidecarPath(table, part(2)), storage::SidecarPath(table, part(3)),
                       storage::JoinPath(storage::WalDirectory(table), "unfinished")}));
  ASSERT_EQ(found.others.size(), 1u);
  EXPECT_EQ(found.others[0].path, "/t/foreign.parquet");
  EXPECT_EQ(found.tombstone_count, 1u);
  EXPECT_EQ(found.tombstone_bytes, 10u);
}

TEST(LeftoverFiles, DirectoriesThatAreNotThereHaveNone) {
  MemoryFileSystem files;
  EXPECT_TRUE(FindUnreferencedFiles(files, "/t", {}).leftovers.empty());
}

}  // namespace
}  // namespace viper::core
