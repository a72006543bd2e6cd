#include "core/verify_wal.h"

#include "base/coding.h"
#include "core/verified_collection_fixture.h"
#include "core/write_batch.h"
#include "storage/wal.h"

namespace viper::core {
namespace {

class VerifyWalTest : public VerifiedCollectionFixture {
 protected:
  /// Append records to the log of the closed collection.
  void Append(const std::vector<std::pair<uint8_t, std::string>>& records) {
    ASSERT_OK_AND_ASSIGN(
        auto writer, storage::WalWriter::Open(files_, storage::WalDirectory(kTable), last_, {}));
    for (const auto& [type, payload] : records) {
      const storage::WalEntry entry = {.type = type, .payload = AsBytes(payload)};
      ASSERT_OK_AND_ASSIGN(last_, writer->Append(std::span(&entry, 1)));
    }
  }

  static std::string Deletion(const std::string& id) {
    WriteBatch batch;
    batch.kind = WriteKind::kDelete;
    batch.deleted_ids = {id};
    return std::string(AsText(EncodeWriteBatch(batch, 2)));
  }

  std::string LogFile() { return FilesOf("_viper/wal", ".wal").back(); }

  uint64_t last_ = 0;
};

TEST_F(VerifyWalTest, RecordsMustSayWhatCanBeDone) {
  Create();
  collection_.reset();
  Append({{2, Deletion("a")}, {77, "x"}, {2, "nonsense"}, {2, Deletion("b")}});
  const VerifyReport report = Verify();
  EXPECT_EQ(report.log_records, 4u);
  ASSERT_EQ(report.findings.size(), 2u) << TextOf(report.findings);
  EXPECT_NE(report.findings[0].problem.find("record 2: unknown type 77"), std::string::npos);
  EXPECT_NE(report.findings[1].problem.find("record 3: "), std::string::npos);
  EXPECT_EQ(report.findings[1].affected, "record 3 of the log");
  EXPECT_EQ(report.findings[0].file, LogFile());
}

TEST_F(VerifyWalTest, ATornTailIsANoteAndDamageBeforeItIsNot) {
  Create();
  collection_.reset();
  Append({{2, Deletion("first")}, {2, Deletion("second")}, {2, Deletion("third")}});
  const std::string file = LogFile();
  const std::string good = Read(file);
  FlipByte(file, good.find("third"));
  VerifyReport report = Verify();
  EXPECT_TRUE(report.is_sound());
  ASSERT_EQ(report.findings.size(), 1u) << TextOf(report.findings);
  EXPECT_EQ(report.findings[0].kind, FindingKind::kNote);
  EXPECT_EQ(report.findings[0].file, file);
  Write(file, good);
  FlipByte(file, good.find("first"));
  report = Verify();
  ASSERT_EQ(report.findings.size(), 1u) << TextOf(report.findings);
  EXPECT_EQ(report.findings[0].kind, FindingKind::kTruthDamage);
  EXPECT_EQ(report.findings[0].file, file);
  EXPECT_NE(report.findings[0].problem.find("lost_from=1 lost_to=3"), std::string::npos);
}

TEST_F(VerifyWalTest, MissingRecordsAreDamageThoughNoWriterRuns) {
  Create();
  ASSERT_OK(collection_->Upsert(At("a", 0, 0)));
  ASSERT_OK(collection_->Flush());
  collection_.reset();
  last_ = 5;  // The table holds one record.
  Append({{2, Deletion("a")}});
  const VerifyReport report = Verify();
  ASSERT_EQ(report.CountOf(FindingKind::kTruthDamage), 1u) << TextOf(report.findings);
  EXPECT_EQ(report.findings[0].other_file, "_delta_log/00000000000000000001.json")
      << "which says what the table holds";
}

}  // namespace
}  // namespace viper::core
