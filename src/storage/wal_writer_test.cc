#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "storage/file_names.h"
#include "storage/wal_format.h"
#include "storage/wal_test_log.h"

namespace viper::storage {
namespace {

std::unique_ptr<WalWriter> OpenWriter(FileSystem& file_system, uint64_t last_sequence = 0,
                                      Durability durability = Durability::kSync) {
  EXPECT_OK(CreateTestTable(file_system));
  auto writer =
      WalWriter::Open(file_system, kTestWalDirectory, last_sequence, SmallSegments(durability));
  EXPECT_OK(writer);
  return std::move(*writer);
}

std::vector<std::string> Names(FileSystem& file_system) {
  auto names = file_system.List(kTestWalDirectory);
  EXPECT_OK(names);
  return *names;
}

TEST(WalWriter, NumbersRecordsFromOne) {
  MemoryFileSystem file_system;
  const auto writer = OpenWriter(file_system);
  ASSERT_OK_AND_ASSIGN(const uint64_t first, AppendTexts(*writer, {"a", "b", "c"}));
  EXPECT_EQ(first, 1);
  ASSERT_OK_AND_ASSIGN(const uint64_t next, AppendTexts(*writer, {""}));
  EXPECT_EQ(next, 4);
  EXPECT_EQ(writer->last_sequence(), 4);
  EXPECT_EQ(Replay(file_system).records,
            (std::map<uint64_t, std::string>{{1, "a"}, {2, "b"}, {3, "c"}, {4, ""}}));
}

TEST(WalWriter, OneSyncAGroupAndNoneWithoutDurability) {
  MemoryFileSystem file_system;
  {
    const auto writer = OpenWriter(file_system);
    for (int i = 0; i < 5; ++i) ASSERT_OK(AppendTexts(*writer, {"a", "b"}));
    EXPECT_EQ(writer->counters().syncs, 5);
    EXPECT_EQ(writer->counters().records, 10);
  }
  const auto writer = OpenWriter(file_system, 10, Durability::kInterval);
  for (int i = 0; i < 5; ++i) ASSERT_OK(AppendTexts(*writer, {"a"}));
  EXPECT_EQ(writer->counters().syncs, 0);
  ASSERT_OK(writer->Sync());
  ASSERT_OK(writer->Sync());
  EXPECT_EQ(writer->counters().syncs, 1);
}

TEST(WalWriter, GoesOnInANewSegmentAfterReopening) {
  MemoryFileSystem file_system;
  {
    ASSERT_OK(AppendTexts(*OpenWriter(file_system), {"a"}));
  }
  {
    ASSERT_OK(AppendTexts(*OpenWriter(file_system, 1), {"b"}));
  }
  EXPECT_EQ(Names(file_system), (std::vector<std::string>{WalSegmentName(1), WalSegmentName(2)}));
  EXPECT_EQ(Replay(file_system).records.size(), 2);
}

TEST(WalWriter, SegmentsDoubleUpToTheMaximum) {
  MemoryFileSystem file_system;
  const auto writer = OpenWriter(file_system);
  for (int i = 0; i < 40; ++i) ASSERT_OK(AppendTexts(*writer, {std::string(1000, 'x')}));
  std::vector<uint64_t> sizes;
  for (const std::string& name : Names(file_system)) {
    sizes.push_back(*file_system.FileSize(JoinPath(kTestWalDirectory, name)));
  }
  EXPECT_EQ(sizes, (std::vector<uint64_t>{8192, 16384, 16384, 16384, 16384}));
  EXPECT_EQ(writer->counters().bytes_on_disk, 8192 + 4 * 16384);
  EXPECT_EQ(Replay(file_system).records.size(), 40);
}

TEST(WalWriter, ALargeRecordGetsASegmentOfItsOwnSize) {
  MemoryFileSystem file_system;
  const std::string large(3'000'000, 'x');
  const std::string next(5'000, 'x');
  auto writer = OpenWriter(file_system);
  ASSERT_OK(AppendTexts(*writer, {"a"}));
  ASSERT_OK(AppendTexts(*writer, {large}));
  ASSERT_OK(AppendTexts(*writer, {next}));
  EXPECT_EQ(Replay(file_system).records,
            (std::map<uint64_t, std::string>{{1, "a"}, {2, large}, {3, next}}));
  // It is not worth keeping.
  ASSERT_OK(writer->DropThrough(2));
  EXPECT_LE(writer->counters().bytes_on_disk, 2 * 16384);
}

TEST(WalWriter, RefusesNothingAndTooMuch) {
  MemoryFileSystem file_system;
  const auto writer = OpenWriter(file_system);
  EXPECT_STATUS(kInvalidArgument, "nothing", writer->Append({}));
  const std::byte byte{};
  const WalEntry entry{.payload = std::span(&byte, kWalPayloadBytesMax + 1)};
  EXPECT_STATUS(kInvalidArgument, "too large", writer->Append(std::span(&entry, 1)));
  EXPECT_EQ(writer->last_sequence(), 0);
}

TEST(WalWriter, DropsWholeSegmentsAndWritesOneOfThemAgain) {
  MemoryFileSystem file_system;
  const auto writer = OpenWriter(file_system);
  for (int i = 0; i < 40; ++i) ASSERT_OK(AppendTexts(*writer, {std::string(1000, 'x')}));
  const auto before = Names(file_system);
  ASSERT_EQ(before.size(), 5);
  const uint64_t third = *ParseWalSegmentName(before[2]);

  ASSERT_OK(writer->DropThrough(third - 2));
  EXPECT_EQ(Names(file_system),
            (std::vector<std::string>{before[1], before[2], before[3], before[4], "spare"}));
  ASSERT_OK(writer->DropThrough(third - 1));
  EXPECT_EQ(Names(file_system),
            (std::vector<std::string>{before[2], before[3], before[4], "spare"}));
  EXPECT_EQ(writer->counters().bytes_on_disk, 4 * 16384);

  const uint64_t operations = file_system.OperationCount();
  for (int i = 0; i < 12; ++i) ASSERT_OK(AppendTexts(*writer, {std::string(1000, 'y')}));
  const auto after = Names(file_system);
  EXPECT_TRUE(std::find(after.begin(), after.end(), "spare") == after.end());
  // Two renames, header, sync, directory sync; then write and sync of each record.
  EXPECT_LE(file_system.OperationCount() - operations, 12 * 2 + 5);
  EXPECT_EQ(Replay(file_system, {.after_sequence = third - 1}).records.size(), 52 - (third - 1));
}

TEST(WalWriter, EverySegmentHasASaltOfItsOwn) {
  MemoryFileSystem file_system;
  std::set<uint64_t> salts;
  std::set<uint64_t> first_sequences;
  const auto writer = OpenWriter(file_system);
  for (uint64_t i = 1; i <= 100; ++i) {
    ASSERT_OK(AppendTexts(*writer, {std::string(1000, 'x')}));
    ASSERT_OK(writer->DropThrough(i - 1));
    for (const std::string& name : Names(file_system)) {
      const std::string bytes = ReadWhole(file_system, JoinPath(kTestWalDirectory, name));
      ASSERT_OK_AND_ASSIGN(const auto header, DecodeWalHeader(AsBytes(bytes).first(64)));
      salts.insert(header.salt);
      first_sequences.insert(header.first_sequence);
    }
  }
  EXPECT_GE(salts.size(), 8);
  EXPECT_EQ(salts.size(), first_sequences.size());
}

TEST(WalWriter, AWriterWithNothingToKeepLeavesNoBytes) {
  MemoryFileSystem file_system;
  {
    const auto writer = OpenWriter(file_system);
    for (int i = 0; i < 40; ++i) ASSERT_OK(AppendTexts(*writer, {std::string(1000, 'x')}));
    ASSERT_OK(writer->DropThrough(40));
  }
  EXPECT_EQ(Names(file_system), std::vector<std::string>{});
}

TEST(WalWriter, AWriterWithSomethingToKeepLeavesJustThat) {
  MemoryFileSystem file_system;
  {
    const auto writer = OpenWriter(file_system);
    for (int i = 0; i < 40; ++i) ASSERT_OK(AppendTexts(*writer, {std::string(1000, 'x')}));
    ASSERT_OK(writer->DropThrough(39));
  }
  EXPECT_EQ(Names(file_system).size(), 1);
  EXPECT_EQ(Replay(file_system, {.after_sequence = 39}).records.size(), 1);
}

TEST(WalWriter, ReopeningRemovesHalfMadeAndSpareSegments) {
  MemoryFileSystem file_system;
  {
    ASSERT_OK(AppendTexts(*OpenWriter(file_system), {"a"}));
  }
  for (const char* name : {"spare", "unfinished"}) {
    ASSERT_OK(file_system.CreateFile(JoinPath(kTestWalDirectory, name)));
  }
  const auto writer = OpenWriter(file_system, 1);
  EXPECT_EQ(Names(file_system), std::vector<std::string>{WalSegmentName(1)});
}

// -- Failures -------------------------------------------------------------------------------------

TEST(WalWriter, AFailedSyncPoisonsTheLog) {
  MemoryFileSystem file_system;
  const auto writer = OpenWriter(file_system);
  ASSERT_OK(AppendTexts(*writer, {"a"}));
  file_system.InjectFault({.operation = FileOperation::kSync, .path_part = {}});
  EXPECT_STATUS(kIoError, "", AppendTexts(*writer, {"b"}));
  EXPECT_STATUS(kFailedPrecondition, "IoError", AppendTexts(*writer, {"c"}));
  EXPECT_STATUS(kFailedPrecondition, "IoError", writer->Sync());
  EXPECT_EQ(Replay(*file_system.DurableImage(CrashMode::kDropUnsynced)).records.size(), 1);
}

// What the page cache shows after a failed sync is replayed, and later records build on it: so it
// has to be written again, not only synced.
TEST(WalWriter, WhatAFailedSyncLeftInTheCacheIsDurableOnceTheLogIsOpenAgain) {
  MemoryFileSystem file_system;
  {
    const auto writer = OpenWriter(file_system);
    ASSERT_OK(AppendTexts(*writer, {"a"}));
    file_system.InjectFault({.operation = FileOperation::kSync, .path_part = {}});
    EXPECT_STATUS(kIoError, "", AppendTexts(*writer, {"b"}));
  }
  ASSERT_EQ(Replay(file_system).records.size(), 2);
  const auto writer = OpenWriter(file_system, 2);
  ASSERT_OK(AppendTexts(*writer, {"c"}));
  const ReplayedLog log = Replay(*file_system.DurableImage(CrashMode::kDropUnsynced));
  EXPECT_OK(log.outcome);
  EXPECT_EQ(log.records, (std::map<uint64_t, std::string>{{1, "a"}, {2, "b"}, {3, "c"}}));
}

TEST(WalWriter, AFailedWritePoisonsTheLog) {
  MemoryFileSystem file_system;
  const auto writer = OpenWriter(file_system);
  ASSERT_OK(AppendTexts(*writer, {"a"}));
  file_system.InjectFault({.operation = FileOperation::kWrite, .path_part = {}});
  EXPECT_STATUS(kIoError, "", AppendTexts(*writer, {"b"}));
  EXPECT_STATUS(kFailedPrecondition, "IoError", AppendTexts(*writer, {"c"}));
}

// Parts of a group that did not fit must never be taken for records, wherever the write broke off
// and whatever is written later.
TEST(WalWriter, AFullDiskLeavesNoTraceOfTheGroup) {
  const std::vector<std::string> failed = {"failed 1", "failed 2", "failed 3"};
  for (size_t written = 0; written <= 3 * WalFrameBytes(8); ++written) {
    for (const bool writes_before : {false, true}) {
      MemoryFileSystem file_system;
      std::map<uint64_t, std::string> expected;
      auto writer = OpenWriter(file_system);
      if (writes_before) {
        ASSERT_OK(AppendTexts(*writer, {"before"}));
        expected[1] = "before";
      }
      // In a new segment the header and the zeros come first.
      file_system.InjectFault({.operation = FileOperation::kWrite,
                               .skip = writes_before ? uint64_t{0} : uint64_t{2},
                               .path_part = {},
                               .code = StatusCode::kResourceExhausted,
                               .written_bytes = written});
      EXPECT_STATUS(kResourceExhausted, "", AppendTexts(*writer, failed));
      EXPECT_EQ(Replay(file_system).records, expected);
      EXPECT_EQ(Replay(*file_system.DurableImage(CrashMode::kDropUnsynced)).records, expected);

      ASSERT_OK_AND_ASSIGN(const uint64_t next, AppendTexts(*writer, {"after 1", "after 2"}));
      EXPECT_EQ(next, expected.size() + 1);
      expected[next] = "after 1";
      expected[next + 1] = "after 2";
      EXPECT_EQ(Replay(file_system).records, expected);
      writer.reset();
      EXPECT_EQ(Replay(*file_system.DurableImage(CrashMode::kDropUnsynced)).records, expected);
    }
  }
}

TEST(WalWriter, NoRoomForANewSegmentIsNoHarm) {
  MemoryFileSystem file_system;
  const auto writer = OpenWriter(file_system);
  const std::string text(1000, 'x');
  for (int i = 0; i < 3; ++i) ASSERT_OK(AppendTexts(*writer, {text}));
  for (uint64_t skip = 0; skip < 3; ++skip) {
    // Creating the file, writing its header, writing its zeros.
    file_system.InjectFault(
        {.operation = skip == 0 ? FileOperation::kCreate : FileOperation::kWrite,
         .skip = skip == 0 ? 0 : skip - 1,
         .path_part = {},
         .code = StatusCode::kResourceExhausted,
         .written_bytes = 100});
    EXPECT_STATUS(kResourceExhausted, "", AppendTexts(*writer, {text, text}));
    file_system.ClearFaults();
    EXPECT_EQ(Names(file_system), std::vector<std::string>{WalSegmentName(1)});
  }
  // What still fits goes on.
  ASSERT_OK_AND_ASSIGN(const uint64_t small, AppendTexts(*writer, {"small"}));
  EXPECT_EQ(small, 4);
  ASSERT_OK_AND_ASSIGN(const uint64_t large, AppendTexts(*writer, {text, text}));
  EXPECT_EQ(large, 5);
  EXPECT_EQ(Replay(file_system).records.size(), 6);
}

}  // namespace
}  // namespace viper::storage
