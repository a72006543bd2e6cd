#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/coding.h"
#include "storage/wal.h"
#include "testing/memory_file_system.h"
#include "testing/status_matchers.h"

namespace viper::storage {

inline constexpr const char* kTestWalDirectory = "/t/_viper/wal";

/// The table's directory, whose own entry is not the log's business.
inline Status CreateTestTable(FileSystem& file_system) {
  VIPER_RETURN_IF_ERROR(file_system.CreateDirectories("/t"));
  return file_system.SyncDirectory("/");
}

/// Small segments, so that a few records fill them.
inline WalWriterOptions SmallSegments(Durability durability = Durability::kSync) {
  return {.durability = durability, .segment_bytes_first = 8192, .segment_bytes_max = 16384};
}

inline Result<uint64_t> AppendTexts(WalWriter& writer, const std::vector<std::string>& texts) {
  std::vector<WalEntry> entries;
  for (const std::string& text : texts) {
    entries.push_back({.type = static_cast<uint8_t>(text.size()), .payload = AsBytes(text)});
  }
  return writer.Append(entries);
}

/// What a replay visited, by number. Fails the test if the numbers have a hole or a type is wrong.
struct ReplayedLog {
  Result<WalReplay> outcome = Status::NotFound("not replayed");
  std::map<uint64_t, std::string> records;
};

inline ReplayedLog Replay(FileSystem& file_system, const WalReplayOptions& options = {}) {
  ReplayedLog log;
  log.outcome = ReplayWal(file_system, kTestWalDirectory, options, [&](const WalRecord& record) {
    EXPECT_EQ(record.sequence, options.after_sequence + log.records.size() + 1);
    EXPECT_EQ(record.type, static_cast<uint8_t>(record.payload.size()));
    log.records[record.sequence] = AsText(record.payload);
    return Status::Ok();
  });
  if (log.outcome.ok()) {
    EXPECT_EQ(log.outcome->records, log.records.size());
    EXPECT_EQ(log.outcome->last_sequence, options.after_sequence + log.records.size());
  }
  return log;
}

inline std::string ReadWhole(FileSystem& file_system, const std::string& path) {
  auto file = file_system.OpenForRead(path);
  EXPECT_OK(file);
  std::string text((*file)->size(), '\0');
  EXPECT_OK((*file)->ReadAt(0, std::as_writable_bytes(std::span(text))));
  return text;
}

inline void Overwrite(FileSystem& file_system, const std::string& path, uint64_t offset,
                      std::string_view text) {
  auto file = file_system.OpenForWrite(path);
  EXPECT_OK(file);
  EXPECT_OK((*file)->WriteAt(offset, AsBytes(text)));
}

}  // namespace viper::storage
