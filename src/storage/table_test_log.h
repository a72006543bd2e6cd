#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "base/coding.h"
#include "storage/file_names.h"
#include "storage/table_log.h"
#include "testing/memory_file_system.h"
#include "testing/status_matchers.h"

namespace viper::storage {

inline constexpr const char* kTestTable = "/data/t";
inline constexpr int64_t kTestDay = int64_t{24} * 3600 * 1000;

inline TableCommit TestCreation() {
  TableCommit commit;
  commit.operation = "CREATE TABLE";
  commit.protocol = TableProtocol{};
  commit.metadata.emplace();
  commit.metadata->id = "9b2f4c1e-5d0a-4c7b-8e21-3f6a0d9c4b17";
  commit.metadata->schema_json = R"({"type":"struct","fields":[]})";
  commit.metadata->configuration = {{"viper.dim", "3"}};
  return commit;
}

inline std::string TestPart(int64_t number) {
  return "part-" + std::to_string(number) + ".parquet";
}

/// Adds part `number`, removes the one that is five older, moves the transaction on.
inline TableCommit TestFlush(int64_t number, int64_t now_ms) {
  TableCommit commit;
  commit.operation = "WRITE";
  AddedFile added;
  added.path = TestPart(number);
  added.size = static_cast<uint64_t>(100 + number);
  added.modification_time_ms = now_ms;
  added.stats_json = R"({"numRecords":)" + std::to_string(number) + "}";
  commit.added.push_back(added);
  if (number > 5) {
    RemovedFile removed;
    removed.path = TestPart(number - 5);
    removed.deletion_timestamp_ms = now_ms;
    removed.size = static_cast<uint64_t>(100 + number - 5);
    commit.removed.push_back(removed);
  }
  commit.transactions = {{"viper-wal", 10 * number}};
  return commit;
}

inline std::unique_ptr<TableLog> OpenTestLog(FileSystem& file_system,
                                             const TableLogOptions& options = {}) {
  return TableLog::Make(file_system, kTestTable, options);
}

/// A checkpoint does not say of its files whether adding them had been a change.
inline TableState WithoutDataChange(TableState state) {
  for (auto& [path, file] : state.files) file.data_change = false;
  for (auto& [path, file] : state.tombstones) file.data_change = false;
  return state;
}

/// The directory of the tables, whose own entry is not the log's business.
inline Status CreateTestRoot(FileSystem& file_system) {
  VIPER_RETURN_IF_ERROR(file_system.CreateDirectories("/data"));
  return file_system.SyncDirectory("/");
}

/// Versions 0 to `newest`, one a day. Returns the state.
inline TableState MakeTestTable(FileSystem& file_system, int64_t newest) {
  EXPECT_OK(CreateTestRoot(file_system));
  const auto log = OpenTestLog(file_system);
  TableState state;
  for (int64_t version = 0; version <= newest; ++version) {
    const TableCommit commit =
        version == 0 ? TestCreation() : TestFlush(version, version * kTestDay);
    EXPECT_OK(log->Commit(version, commit, version * kTestDay));
    ApplyCommit(commit, state);
  }
  return state;
}

inline void WriteTestFile(FileSystem& file_system, const std::string& path, std::string_view text) {
  static_cast<void>(file_system.RemoveFile(path));
  auto file = file_system.CreateFile(path);
  EXPECT_OK(file);
  EXPECT_OK((*file)->Append(AsBytes(text)));
}

}  // namespace viper::storage
