#include <algorithm>
#include <string>
#include <vector>

#include "base/crc32c.h"
#include "storage/file_names.h"
#include "storage/wal_format.h"
#include "storage/wal_test_log.h"
#include "testing/hooked_file_system.h"

namespace viper::storage {
namespace {

constexpr uint64_t kFrame = WalFrameBytes(100);

std::string SegmentPath(uint64_t first) {
  return JoinPath(kTestWalDirectory, WalSegmentName(first));
}

std::string Text(uint64_t sequence) {
  std::string text = "record " + std::to_string(sequence);
  text.resize(100, '.');
  return text;
}

uint64_t OffsetInFirstSegment(uint64_t sequence) {
  return kWalFirstFrame + (sequence - 1) * kFrame;
}

// Records 1 to `count`, one sync each, in one writer.
std::unique_ptr<MemoryFileSystem> MakeLog(uint64_t count, size_t segment_bytes = 8192) {
  auto file_system = std::make_unique<MemoryFileSystem>();
  auto writer =
      WalWriter::Open(*file_system, kTestWalDirectory, 0,
                      {.segment_bytes_first = segment_bytes, .segment_bytes_max = segment_bytes});
  EXPECT_OK(writer);
  for (uint64_t sequence = 1; sequence <= count; ++sequence) {
    EXPECT_OK(AppendTexts(**writer, {Text(sequence)}));
  }
  return file_system;
}

void Damage(MemoryFileSystem& file_system, const std::string& path, uint64_t offset) {
  const char byte = ReadWhole(file_system, path)[offset];
  Overwrite(file_system, path, offset, std::string(1, static_cast<char>(byte ^ 0x40)));
}

void ExpectRecords(const ReplayedLog& log, uint64_t first, uint64_t last) {
  ASSERT_OK(log.outcome);
  EXPECT_EQ(log.outcome->last_sequence, last);
  EXPECT_EQ(log.records.size(), last - first + 1);
  for (const auto& [sequence, text] : log.records) EXPECT_EQ(text, Text(sequence));
}

TEST(ReplayWal, AMissingDirectoryIsAnEmptyLog) {
  MemoryFileSystem file_system;
  const ReplayedLog log = Replay(file_system, {.after_sequence = 7});
  ASSERT_OK(log.outcome);
  EXPECT_EQ(log.outcome->last_sequence, 7);
}

TEST(ReplayWal, VisitsOnlyWhatTheTableDoesNotHold) {
  const auto file_system = MakeLog(100);
  ExpectRecords(Replay(*file_system), 1, 100);
  ExpectRecords(Replay(*file_system, {.after_sequence = 1}), 2, 100);
  ExpectRecords(Replay(*file_system, {.after_sequence = 99}), 100, 100);
  ExpectRecords(Replay(*file_system, {.after_sequence = 100}), 101, 100);
  ExpectRecords(Replay(*file_system, {.after_sequence = 500}), 501, 500);
}

TEST(ReplayWal, TheVisitorsFailureEndsIt) {
  const auto file_system = MakeLog(3);
  EXPECT_STATUS(kCancelled, "enough",
                ReplayWal(*file_system, kTestWalDirectory, {},
                          [](const WalRecord&) { return Status::Cancelled("enough"); }));
}

TEST(ReplayWal, ATornTailEndsTheLogWithoutError) {
  const auto file_system = MakeLog(10);
  Damage(*file_system, SegmentPath(1), OffsetInFirstSegment(10) + 50);
  const ReplayedLog log = Replay(*file_system);
  ExpectRecords(log, 1, 9);
  EXPECT_EQ(log.outcome->torn_bytes, kFrame);
  EXPECT_EQ(log.outcome->torn_file, SegmentPath(1));
  EXPECT_EQ(log.outcome->lost_from, 0);
}

TEST(ReplayWal, ACleanEndReportsNothingTorn) {
  const auto file_system = MakeLog(10);
  const ReplayedLog log = Replay(*file_system);
  ExpectRecords(log, 1, 10);
  EXPECT_EQ(log.outcome->torn_bytes, 0);
  EXPECT_EQ(log.outcome->torn_file, "");
}

TEST(ReplayWal, ARecordThatWasDurableMustNotBeDamaged) {
  const auto file_system = MakeLog(10);
  Damage(*file_system, SegmentPath(1), OffsetInFirstSegment(5) + 50);
  const ReplayedLog log = Replay(*file_system);
  EXPECT_STATUS(kCorruption, "lost_from=5 lost_to=10", log.outcome);
  EXPECT_STATUS(kCorruption, "00000000000000000001.wal offset=4608", log.outcome);
  EXPECT_EQ(OffsetInFirstSegment(5), 4608);
}

TEST(ReplayWal, AcceptedLossEndsTheLogThere) {
  const auto file_system = MakeLog(10);
  Damage(*file_system, SegmentPath(1), OffsetInFirstSegment(5) + 50);
  EXPECT_STATUS(kCorruption, "lost_from=5", Replay(*file_system, {.accept_loss_from = 4}).outcome);
  EXPECT_STATUS(kCorruption, "lost_from=5", Replay(*file_system, {.accept_loss_from = 6}).outcome);
  const ReplayedLog log = Replay(*file_system, {.accept_loss_from = 5});
  ExpectRecords(log, 1, 4);
  EXPECT_EQ(log.outcome->lost_from, 5);
  EXPECT_EQ(log.outcome->lost_to, 10);
}

TEST(ReplayWal, WhatWasGivenUpNeverComesBack) {
  const auto file_system = MakeLog(100);
  ASSERT_OK(file_system->FileSize(SegmentPath(33)));
  Damage(*file_system, SegmentPath(1), OffsetInFirstSegment(5) + 50);
  ASSERT_OK(Replay(*file_system, {.accept_loss_from = 5}).outcome);
  {
    ASSERT_OK_AND_ASSIGN(auto writer,
                         WalWriter::Open(*file_system, kTestWalDirectory, 4, SmallSegments()));
    ASSERT_OK(AppendTexts(*writer, {Text(5)}));
  }
  ExpectRecords(Replay(*file_system), 1, 5);
}

// Of a group that was one write, any sectors may have reached the disk.
TEST(ReplayWal, LaterFramesOfAnUnsyncedGroupProveNothing) {
  MemoryFileSystem file_system;
  {
    ASSERT_OK_AND_ASSIGN(auto writer,
                         WalWriter::Open(file_system, kTestWalDirectory, 0, SmallSegments()));
    ASSERT_OK(AppendTexts(*writer, {Text(1)}));
    ASSERT_OK(AppendTexts(*writer, {Text(2), Text(3), Text(4), Text(5)}));
  }
  Damage(file_system, SegmentPath(1), OffsetInFirstSegment(3) + 50);
  const ReplayedLog log = Replay(file_system);
  ExpectRecords(log, 1, 2);
  EXPECT_EQ(log.outcome->torn_bytes, 3 * kFrame);
}

TEST(ReplayWal, WhatLiesBehindATornTailStaysBuried) {
  MemoryFileSystem file_system;
  {
    ASSERT_OK_AND_ASSIGN(auto writer,
                         WalWriter::Open(file_system, kTestWalDirectory, 0, SmallSegments()));
    ASSERT_OK(AppendTexts(*writer, {Text(1), Text(2), Text(3), Text(4)}));
  }
  const std::string whole = ReadWhole(file_system, SegmentPath(1));
  Damage(file_system, SegmentPath(1), OffsetInFirstSegment(2) + 50);
  ExpectRecords(Replay(file_system), 1, 1);
  {
    ASSERT_OK_AND_ASSIGN(auto writer,
                         WalWriter::Open(file_system, kTestWalDirectory, 1, SmallSegments()));
    ASSERT_OK(AppendTexts(*writer, {Text(2)}));
  }
  // Even if the disk gives the sector back.
  Overwrite(file_system, SegmentPath(1), 0, whole);
  ExpectRecords(Replay(file_system), 1, 2);
}

TEST(ReplayWal, DamageInASegmentThatHasASuccessorIsNeverATornTail) {
  const auto file_system = MakeLog(40);
  // The last record of the first segment: nothing valid follows in it.
  ASSERT_OK(file_system->FileSize(SegmentPath(33)));
  Damage(*file_system, SegmentPath(1), OffsetInFirstSegment(32) + 50);
  EXPECT_STATUS(kCorruption, "lost_from=32 lost_to=40", Replay(*file_system).outcome);
}

TEST(ReplayWal, DamageToWhatTheTableHoldsIsPassedOver) {
  const auto file_system = MakeLog(40);
  Damage(*file_system, SegmentPath(1), OffsetInFirstSegment(5) + 50);
  ExpectRecords(Replay(*file_system, {.after_sequence = 5}), 6, 40);
  ExpectRecords(Replay(*file_system, {.after_sequence = 20}), 21, 40);
  Damage(*file_system, SegmentPath(1), OffsetInFirstSegment(6) + 50);
  EXPECT_STATUS(kCorruption, "lost_from=6 ", Replay(*file_system, {.after_sequence = 5}).outcome);
}

TEST(ReplayWal, AMissingSegmentIsNamed) {
  const auto file_system = MakeLog(100);
  ASSERT_OK(file_system->RemoveFile(SegmentPath(33)));
  EXPECT_STATUS(kCorruption, "lost_from=33 lost_to=100", Replay(*file_system).outcome);
  ExpectRecords(Replay(*file_system, {.accept_loss_from = 33}), 1, 32);
  ExpectRecords(Replay(*file_system, {.after_sequence = 64}), 65, 100);
}

TEST(ReplayWal, AHoleBeforeTheFirstRecordIsNamed) {
  const auto file_system = MakeLog(100);
  ASSERT_OK(file_system->RemoveFile(SegmentPath(1)));
  EXPECT_STATUS(kCorruption, "lost_from=11 lost_to=100",
                Replay(*file_system, {.after_sequence = 10}).outcome);
  const ReplayedLog log = Replay(*file_system, {.after_sequence = 10, .accept_loss_from = 11});
  ExpectRecords(log, 11, 10);
  EXPECT_EQ(log.outcome->lost_to, 100);
}

TEST(ReplayWal, AHoleBeforeTheFirstRecordMayBeTheWorkOfAnotherProcess) {
  const auto file_system = MakeLog(100);
  ASSERT_OK(file_system->RemoveFile(SegmentPath(1)));
  EXPECT_STATUS(kConflict, "from 11 to 32",
                Replay(*file_system, {.after_sequence = 10, .writer_may_run = true}).outcome);
}

TEST(ReplayWal, ADamagedSegmentHeaderLosesItsRecords) {
  const auto file_system = MakeLog(100);
  Damage(*file_system, SegmentPath(33), 20);
  EXPECT_STATUS(kCorruption, "offset=0 lost_from=33 lost_to=100", Replay(*file_system).outcome);
  ExpectRecords(Replay(*file_system, {.accept_loss_from = 33}), 1, 32);
}

TEST(ReplayWal, AnotherFormatVersionIsRefusedByName) {
  const auto file_system = MakeLog(1);
  std::vector<std::byte> header(64);
  const std::string bytes = ReadWhole(*file_system, SegmentPath(1)).substr(0, 64);
  std::copy_n(AsBytes(bytes).begin(), 64, header.begin());
  StoreFixed(header.data() + 8, uint32_t{2});
  const uint32_t crc = crc32c::Value(std::span(header).first(60));
  StoreFixed(header.data() + 60, ((crc >> 15) | (crc << 17)) + 0xA282EAD8);
  Overwrite(*file_system, SegmentPath(1), 0, AsText(header));
  EXPECT_STATUS(kUnsupported, "expected=1 actual=2", Replay(*file_system).outcome);
}

TEST(ReplayWal, EveryFlippedByteIsAnErrorOrHarmless) {
  constexpr uint64_t kRecords = 8;
  const auto file_system = MakeLog(kRecords, kWalFirstFrame + 3 * kFrame);
  ASSERT_OK_AND_ASSIGN(const auto names, file_system->List(kTestWalDirectory));
  size_t refused = 0;
  for (const std::string& name : names) {
    const std::string path = JoinPath(kTestWalDirectory, name);
    const std::string good = ReadWhole(*file_system, path);
    for (size_t i = 0; i < good.size(); ++i) {
      Overwrite(*file_system, path, i, std::string(1, static_cast<char>(good[i] ^ 0x21)));
      const ReplayedLog log = Replay(*file_system);
      if (log.outcome.ok()) {
        // The last frame proves that all before it had been durable.
        EXPECT_GE(log.outcome->last_sequence, kRecords - 1) << name << " byte " << i;
        for (const auto& [sequence, text] : log.records) EXPECT_EQ(text, Text(sequence));
      } else {
        EXPECT_STATUS(kCorruption, name, log.outcome);
        ++refused;
      }
      Overwrite(*file_system, path, i, good.substr(i, 1));
    }
  }
  EXPECT_GE(refused, (kRecords - 1) * 128);
}

TEST(ReplayWal, EveryCutOfTheLastSegmentLeavesACleanPrefix) {
  const auto file_system = MakeLog(5);
  const std::string good = ReadWhole(*file_system, SegmentPath(1));
  for (size_t size = kWalFirstFrame; size < kWalFirstFrame + 6 * kFrame; ++size) {
    ASSERT_OK(file_system->RemoveFile(SegmentPath(1)));
    ASSERT_OK_AND_ASSIGN(auto file, file_system->CreateFile(SegmentPath(1)));
    ASSERT_OK(file->Append(AsBytes(good).first(size)));
    const uint64_t whole_frames = std::min<uint64_t>(5, (size - kWalFirstFrame) / kFrame);
    ExpectRecords(Replay(*file_system), 1, whole_frames);
  }
}

// -- Beside the writer of another process ---------------------------------------------------------

using OpenedFile = HookedFileSystem::OpenedFile;

TEST(ReplayWal, ASegmentThatIsDroppedBeforeItIsReadIsAConflict) {
  const auto log = MakeLog(100);
  HookedFileSystem file_system(*log);
  file_system.open = [&](const std::string& path) -> OpenedFile {
    if (path == SegmentPath(33)) static_cast<void>(log->RemoveFile(path));
    return log->OpenForRead(path);
  };
  EXPECT_STATUS(kConflict, "dropped", Replay(file_system).outcome);
}

// Its blocks may be written again from then on.
TEST(ReplayWal, ASegmentThatIsDroppedWhileItIsReadIsAConflict) {
  for (const uint64_t damaged : {36, 40}) {
    const auto log = MakeLog(40);
    HookedFileSystem file_system(*log);
    file_system.open = [&](const std::string& path) -> OpenedFile {
      auto file = log->OpenForRead(path);
      if (path == SegmentPath(33)) {
        Damage(*log, path, OffsetInFirstSegment(damaged - 32));
        static_cast<void>(log->RemoveFile(path));
      }
      return file;
    };
    EXPECT_STATUS(kConflict, "dropped", Replay(file_system).outcome);
  }
}

// Shows the frames of a segment as they were before some of them were written, once.
class LateFile final : public RandomAccessFile {
 public:
  LateFile(std::unique_ptr<RandomAccessFile> file, uint64_t late_offset)
      : file_(std::move(file)), late_offset_(late_offset) {}
  uint64_t size() const override { return file_->size(); }
  Status ReadAt(uint64_t offset, std::span<std::byte> out) const override {
    VIPER_RETURN_IF_ERROR(file_->ReadAt(offset, out));
    if (offset > late_offset_ || offset + out.size() < late_offset_ + kFrame || was_late_) {
      return Status::Ok();
    }
    was_late_ = true;
    std::fill_n(out.data() + (late_offset_ - offset), kFrame, std::byte{0});
    return Status::Ok();
  }

 private:
  const std::unique_ptr<RandomAccessFile> file_;
  const uint64_t late_offset_;
  mutable bool was_late_ = false;  // one thread
};

TEST(ReplayWal, AFrameThatIsWrittenMeanwhileIsNoDamage) {
  const auto log = MakeLog(10);
  HookedFileSystem file_system(*log);
  file_system.open = [&](const std::string& path) -> OpenedFile {
    auto file = log->OpenForRead(path);
    EXPECT_OK(file);
    return std::make_unique<LateFile>(std::move(*file), OffsetInFirstSegment(5));
  };
  ExpectRecords(Replay(file_system), 1, 10);
}

}  // namespace
}  // namespace viper::storage
