#include "storage/wal_audit.h"

#include <gtest/gtest.h>

#include "storage/file_names.h"
#include "storage/wal_format.h"
#include "storage/wal_test_log.h"

namespace viper::storage {
namespace {

class WalAuditTest : public ::testing::Test {
 protected:
  WalAuditTest() { EXPECT_OK(CreateTestTable(files_)); }

  void Append(int count) {
    auto writer = WalWriter::Open(files_, kTestWalDirectory, 0, SmallSegments());
    ASSERT_OK(writer);
    for (int i = 0; i < count; ++i) ASSERT_OK(AppendTexts(**writer, {std::string(200, 'x')}));
  }

  std::vector<WalSegmentAudit> Audit() {
    auto audits = AuditWalSegments(files_, kTestWalDirectory);
    EXPECT_OK(audits);
    return audits.ok() ? std::move(*audits) : std::vector<WalSegmentAudit>();
  }

  void Flip(const std::string& path, uint64_t offset) {
    ASSERT_OK_AND_ASSIGN(auto reader, files_.OpenForRead(path));
    std::byte byte{0};
    ASSERT_OK(reader->ReadAt(offset, std::span(&byte, 1)));
    byte ^= std::byte{4};
    ASSERT_OK_AND_ASSIGN(auto file, files_.OpenForWrite(path));
    ASSERT_OK(file->WriteAt(offset, std::span(&byte, 1)));
  }

  MemoryFileSystem files_;
};

TEST_F(WalAuditTest, TellsTheRecordsOfEverySegment) {
  EXPECT_TRUE(Audit().empty());
  Append(60);
  const auto audits = Audit();
  ASSERT_GE(audits.size(), 2u);
  uint64_t next = 1;
  for (const WalSegmentAudit& audit : audits) {
    EXPECT_EQ(audit.first_sequence, next);
    EXPECT_EQ(audit.records, audit.last_sequence + 1 - audit.first_sequence);
    EXPECT_EQ(audit.end_offset, kWalFirstFrame + audit.records * WalFrameBytes(200));
    EXPECT_TRUE(audit.problem.empty() && !audit.has_remains);
    next = audit.last_sequence + 1;
  }
  EXPECT_EQ(next, 61u);
}

TEST_F(WalAuditTest, ADamagedHeaderIsAProblemOfItsSegment) {
  Append(60);
  const auto before = Audit();
  Flip(before[0].path, 20);
  const auto audits = Audit();
  EXPECT_FALSE(audits[0].problem.empty());
  EXPECT_EQ(audits[0].records, 0u);
  EXPECT_EQ(audits[1].records, before[1].records);
}

TEST_F(WalAuditTest, WhateverIsDamagedOfTheLastRecordLeavesRemains) {
  for (uint64_t offset = 0; offset < kWalFrameHeaderBytes + 200; ++offset) {
    ASSERT_OK(files_.RemoveDirectoryTree("/t"));
    ASSERT_OK(CreateTestTable(files_));
    Append(3);
    const auto before = Audit();
    ASSERT_EQ(before.size(), 1u);
    Flip(before[0].path, before[0].end_offset - WalFrameBytes(200) + offset);
    const auto audits = Audit();
    EXPECT_EQ(audits[0].last_sequence, 2u) << offset;
    EXPECT_TRUE(audits[0].has_remains) << offset;
  }
}

TEST_F(WalAuditTest, WhatAnEarlierLifeOfTheBlocksLeftIsNoRemains) {
  ASSERT_OK_AND_ASSIGN(auto writer, WalWriter::Open(files_, kTestWalDirectory, 0, SmallSegments()));
  uint64_t last = 0;
  for (int i = 0; i < 200; ++i) {
    ASSERT_OK_AND_ASSIGN(last, AppendTexts(*writer, {std::string(200, 'y')}));
    if (i % 20 == 19) {
      ASSERT_OK(writer->DropThrough(last - 1));
    }
    for (const WalSegmentAudit& audit : Audit()) EXPECT_FALSE(audit.has_remains) << i;
  }
}

}  // namespace
}  // namespace viper::storage
