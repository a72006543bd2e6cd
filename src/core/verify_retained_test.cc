#include "core/verify_retained.h"

#include "core/vacuum_plan.h"
#include "core/verified_collection_fixture.h"

namespace viper::core {
namespace {

class VerifyRetainedTest : public VerifiedCollectionFixture {
 protected:
  static constexpr int kRows = 600;

  /// A part in versions 1 to 4, with another deletion vector in 2 and from 3 on; a part in version
  /// 4; then all in one part that needs no vector. The collection stays open.
  void Fill() {
    options_.delete_mode = DeleteMode::kVectors;
    CreateIndexed();
    WriteRows(0, kRows);
    Flush();
    first_ = PartOfVersion(1);
    for (const char* id : {"id3", "id4"}) {
      ASSERT_OK(collection_->Delete(std::vector<std::string>{id}));
      Flush();
      vectors_.push_back(storage::DeletionVectorPath(*LoadTable().files.at(first_).deletion_vector)
                             .value()
                             .value());
    }
    WriteRows(kRows, kRows + 300);
    Flush();
    second_ = PartOfVersion(4);
    ASSERT_OK(collection_->Compact({.everything = true, .fold_deletion_vectors = true}));
    ASSERT_EQ(LoadTable().files.size(), 1u);
  }

  void Flush() {
    clock_.AdvanceSeconds(10);
    ASSERT_OK(collection_->Flush());
  }

  std::string PathOf(const std::string& file) const { return storage::JoinPath(kTable, file); }

  /// The first finding of damage, which is about one file; empty if there is none.
  VerifyFinding Damage() {
    const VerifyReport report = Verify();
    if (report.is_sound()) return {};
    const VerifyFinding& first = report.findings.front();
    for (const VerifyFinding& finding : report.findings) {
      if (!finding.is_damage()) continue;
      EXPECT_EQ(finding.file, first.file) << TextOf(report.findings);
    }
    return first;
  }

  /// That a damaged byte is told as damage of these versions.
  void ExpectFlipIsTold(const std::string& file, const std::string& versions) {
    const std::string good = Read(file);
    FlipByte(file, good.size() / 2);
    const VerifyFinding finding = Damage();
    EXPECT_EQ(finding.kind, FindingKind::kTruthDamage);
    EXPECT_EQ(finding.file, file);
    EXPECT_TRUE(finding.affected.starts_with(versions + " of the table only")) << finding.affected;
    EXPECT_FALSE(finding.is_repairable);
    Write(file, good);
    EXPECT_EQ(Damage().file, "");
  }

  std::string first_;
  std::string second_;
  std::vector<std::string> vectors_;
};

TEST_F(VerifyRetainedTest, DamageIsToldWithTheVersionsThatItIsAbout) {
  Fill();
  const VerifyReport report = Verify();
  ASSERT_TRUE(report.is_sound()) << TextOf(report.findings);
  EXPECT_EQ(report.parts, 1u) << "those of the newest version";
  EXPECT_EQ(report.rows, static_cast<uint64_t>(kRows + 300 - 2));
  ExpectFlipIsTold(first_, "versions 1 to 4");
  ExpectFlipIsTold(second_, "version 4");
  ExpectFlipIsTold(vectors_[0], "version 2");
  ExpectFlipIsTold(vectors_[1], "versions 3 to 4");
}

TEST_F(VerifyRetainedTest, WhatNoVacuumCanHaveTakenIsMissing) {
  Fill();
  ASSERT_OK_AND_ASSIGN(const auto order, ReplacedFiles(LoadTable()));
  ASSERT_EQ(order.size(), 4u);
  ASSERT_EQ(order[0].path, vectors_[0]);
  ASSERT_EQ(order[3].path, vectors_[1]);
  for (size_t i = 0; i < order.size(); ++i) {
    const std::string& file = order[i].path;
    const std::string good = Read(file);
    ASSERT_OK(files_.RemoveFile(PathOf(file)));
    const VerifyFinding finding = Damage();
    // The oldest vector and the oldest data file: another program's vacuum takes no vectors.
    if (i < 2) {
      EXPECT_EQ(finding.file, "") << file;
    } else {
      EXPECT_EQ(finding.file, file);
      EXPECT_NE(finding.problem.find("missing"), std::string::npos) << finding.problem;
      EXPECT_TRUE(finding.affected.starts_with("version")) << finding.affected;
    }
    Write(file, good);
  }
}

TEST_F(VerifyRetainedTest, WhatAVacuumTookOrBeganToTakeIsNotMissing) {
  Fill();
  ASSERT_OK_AND_ASSIGN(const auto order, ReplacedFiles(LoadTable()));
  for (const ReplacedFile& file : order) {
    ASSERT_OK(files_.RemoveFile(PathOf(file.path)));
    EXPECT_EQ(Damage().file, "") << file.path;
    EXPECT_OK(collection_->GetSnapshotOfVersion(0));
    EXPECT_OK(collection_->GetSnapshotOfVersion(5));
  }
  EXPECT_EQ(TextOf(Verify().findings), "");
}

TEST_F(VerifyRetainedTest, AVacuumedTableIsSoundAndWhatIsLeftIsStillChecked) {
  Fill();
  // Version 3 came ten seconds before version 4 and the last.
  ASSERT_OK_AND_ASSIGN(const VacuumReport vacuumed, collection_->Vacuum({.retention_ms = 5'000}));
  ASSERT_EQ(vacuumed.files, std::vector<std::string>{vectors_[0]});
  EXPECT_EQ(Damage().file, "");
  EXPECT_STATUS(kNotFound, "no longer kept", collection_->GetSnapshotOfVersion(2));
  ExpectFlipIsTold(first_, "3 versions from 1 to 4");
  ExpectFlipIsTold(vectors_[1], "versions 3 to 4");
  ASSERT_OK(collection_->Vacuum({.retention_ms = 0}));
  EXPECT_EQ(TextOf(Verify().findings), "");
}

TEST_F(VerifyRetainedTest, WhatOnlyVersionsNeedThatAreGoneIsNotLookedAt) {
  Fill();
  // As another program's vacuum leaves it, which does not know of these files.
  ASSERT_OK(files_.RemoveFile(PathOf(first_)));
  ASSERT_OK(files_.RemoveFile(PathOf(second_)));
  Write(vectors_[0], "damaged");
  EXPECT_EQ(Damage().file, "");
}

TEST_F(VerifyRetainedTest, AVacuumMeanwhileIsNoDamage) {
  Fill();
  // Each is about to be read when it goes.
  FlipByte(vectors_[0], 20);
  VerifyOptions options;
  options.progress = [&](const VerifyProgress& progress) {
    if (progress.file == vectors_[0]) {
      EXPECT_OK(collection_->Vacuum({.retention_ms = 0}));
    }
    return true;
  };
  VerifyReport report = Verify(options);
  EXPECT_TRUE(report.is_sound()) << TextOf(report.findings);
  EXPECT_EQ(TextOf(Verify().findings), "");
  WriteRows(0, 10);
  Flush();
  const std::string replaced = LoadTable().files.begin()->first;
  ASSERT_OK(collection_->Compact({.everything = true}));
  FlipByte(replaced, Read(replaced).size() / 2);
  options.progress = [&](const VerifyProgress& progress) {
    if (progress.file == replaced) {
      EXPECT_OK(collection_->Vacuum({.retention_ms = 0}));
    }
    return true;
  };
  report = Verify(options);
  EXPECT_TRUE(report.is_sound()) << TextOf(report.findings);
}

TEST_F(VerifyRetainedTest, StopsWhenItIsAskedTo) {
  Fill();
  ASSERT_OK_AND_ASSIGN(Engine engine, OpenToRead());
  for (const std::string& file : {first_, second_, vectors_[0], vectors_[1]}) {
    VerifyOptions options;
    options.progress = [&](const VerifyProgress& progress) { return progress.file != file; };
    EXPECT_STATUS(kCancelled, file, engine.Verify("docs", options));
  }
}

TEST_F(VerifyRetainedTest, RepairTouchesNothingAndSaysWhatCanBeDone) {
  Fill();
  collection_.reset();
  FlipByte(first_, 5000);
  Write(vectors_[1], "damaged");
  const std::string part = Read(first_);
  ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
  ASSERT_OK_AND_ASSIGN(const RepairReport report, engine.Repair("docs"));
  EXPECT_FALSE(report.is_sound());
  ASSERT_EQ(report.steps.size(), 2u);
  for (const RepairStep& step : report.steps) {
    EXPECT_FALSE(step.is_done);
    EXPECT_TRUE(step.action.starts_with("cannot be repaired, and the newest version"))
        << step.action;
  }
  EXPECT_EQ(Read(first_), part);
  EXPECT_EQ(Read(vectors_[1]), "damaged");
  ASSERT_OK(Reopen());
  ASSERT_OK(collection_->Vacuum({.retention_ms = 0}));
  EXPECT_EQ(TextOf(Verify().findings), "");
}

}  // namespace
}  // namespace viper::core
