#include "core/repairer.h"

#include "core/verified_collection_fixture.h"

namespace viper::core {
namespace {

class RepairerTest : public VerifiedCollectionFixture {
 protected:
  RepairReport Repair(bool dry_run = false) {
    auto engine = Engine::Open("/db", options_);
    EXPECT_OK(engine);
    RepairOptions options;
    options.dry_run = dry_run;
    auto report = engine->Repair("docs", options);
    EXPECT_OK(report);
    return report.ok() ? std::move(*report) : RepairReport();
  }

  /// Names and bytes of all files.
  std::string Everything() {
    std::string text;
    for (const char* folder : {".", "_delta_log", "_viper/index", "_viper/wal", "_viper/tmp"}) {
      for (const std::string& file : FilesOf(folder, "")) {
        if (files_.FileSize(storage::JoinPath(kTable, file)).ok()) text += file + Read(file);
      }
    }
    return text;
  }

  void DamageAllThatIsDerived() {
    FlipByte(FilesOf("_viper/index", ".vidx").front(), 70);
    ASSERT_OK(
        files_.RemoveFile(storage::JoinPath(kTable, FilesOf("_viper/index", ".vidx").back())));
    FlipByte(FilesOf("_viper/index", ".vmodel").front(), 100);
    Write("_delta_log/00000000000000000002.checkpoint.parquet", "PAR1");
    Write("_viper/tmp/x", "x");
    Write("part-00000000-0000-4000-8000-000000000000.parquet", "x");
  }
};

TEST_F(RepairerTest, WhatIsDerivedIsMadeAgain) {
  Fill();
  DamageAllThatIsDerived();
  const RepairReport report = Repair();
  ASSERT_TRUE(report.after.has_value());
  EXPECT_EQ(TextOf(report.after->findings), "");
  EXPECT_TRUE(report.is_sound());
  EXPECT_EQ(report.steps.size(), report.before.findings.size());
  for (const RepairStep& step : report.steps) {
    EXPECT_TRUE(step.is_done) << step.finding.file << ": " << step.action;
  }
  EXPECT_TRUE(files_.Exists("/db/docs/_delta_log/00000000000000000003.checkpoint.parquet").value());
  EXPECT_FALSE(
      files_.Exists("/db/docs/_delta_log/00000000000000000002.checkpoint.parquet").value());
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(), static_cast<uint64_t>(kTableRows + kLogRows - 1));
  EXPECT_TRUE(collection_->recovery().rebuilt_files.empty());
}

TEST_F(RepairerTest, ADryRunSaysTheSameAndChangesNothing) {
  Fill();
  DamageAllThatIsDerived();
  const std::string before = Everything();
  ASSERT_OK_AND_ASSIGN(Engine reader, OpenToRead());
  RepairOptions options;
  options.dry_run = true;
  ASSERT_OK_AND_ASSIGN(const RepairReport dry, reader.Repair("docs", options));
  EXPECT_EQ(Everything(), before);
  EXPECT_FALSE(dry.after.has_value());
  EXPECT_TRUE(dry.is_sound());
  const RepairReport report = Repair();
  ASSERT_EQ(report.steps.size(), dry.steps.size());
  for (size_t i = 0; i < report.steps.size(); ++i) {
    EXPECT_EQ(report.steps[i].action, dry.steps[i].action);
  }
}

TEST_F(RepairerTest, DamagedTruthIsNamedAndNotTouched) {
  Fill();
  const auto parts = FilesOf(".", ".parquet");
  const std::string damaged = PartOfVersion(1);
  const std::string commit = "_delta_log/00000000000000000003.json";
  FlipByte(damaged, 5000);
  // The table log names another file: the one that it should name is not a leftover.
  storage::CommitFile file = storage::DecodeCommit(Read(commit), commit).value();
  file.commit.added[0].path = "part-00000000-0000-4000-8000-000000000000.parquet";
  const std::string text = storage::EncodeCommit(file.commit, file.stamp);
  Write(commit, text);
  Write("_viper/tmp/x", "x");
  const RepairReport report = Repair();
  EXPECT_FALSE(report.is_sound());
  ASSERT_TRUE(report.after.has_value()) << "the staged file was removed";
  for (const RepairStep& step : report.steps) {
    if (step.finding.kind == FindingKind::kTruthDamage) {
      EXPECT_TRUE(step.action.starts_with("cannot be repaired")) << step.action;
    }
  }
  for (const std::string& part : parts) {
    EXPECT_TRUE(files_.Exists(storage::JoinPath(kTable, part)).value()) << part;
  }
  EXPECT_FALSE(files_.Exists("/db/docs/_viper/tmp/x").value());
  EXPECT_GT(report.after->CountOf(FindingKind::kTruthDamage), 1u);
  EXPECT_EQ(Read(commit), text);
}

TEST_F(RepairerTest, NeedsTheLockOfTheWriter) {
  Create();
  ASSERT_OK_AND_ASSIGN(Engine other, Engine::Open("/db", options_));
  EXPECT_STATUS(kBusy, "", other.Repair("docs"));
  EXPECT_OK(other.Repair("docs", {.dry_run = true, .progress = nullptr}));
  collection_.reset();
  ASSERT_OK_AND_ASSIGN(auto open, other.OpenCollection("docs"));
  EXPECT_STATUS(kBusy, "open here", other.Repair("docs"));
  open.reset();
  EXPECT_OK(other.Repair("docs"));
  ASSERT_OK_AND_ASSIGN(Engine reader, OpenToRead());
  EXPECT_STATUS(kFailedPrecondition, "read-only", reader.Repair("docs"));
  EXPECT_STATUS(kNotFound, "films", reader.Repair("films"));
}

TEST_F(RepairerTest, ASoundCollectionIsLeftAlone) {
  Fill();
  const std::string before = Everything();
  const RepairReport report = Repair();
  EXPECT_TRUE(report.steps.empty() && !report.after && report.is_sound());
  EXPECT_EQ(Everything(), before);
}

}  // namespace
}  // namespace viper::core
