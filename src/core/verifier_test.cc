#include "core/verifier.h"

#include <atomic>
#include <set>
#include <thread>

#include "core/verified_collection_fixture.h"

namespace viper::core {
namespace {

using VerifierTest = VerifiedCollectionFixture;

TEST_F(VerifierTest, ASoundCollectionHasNoFindingsAndIsReadWhole) {
  Fill();
  const VerifyReport report = Verify();
  EXPECT_EQ(TextOf(report.findings), "");
  EXPECT_TRUE(report.is_sound());
  EXPECT_EQ(report.collection, "docs");
  EXPECT_EQ(report.table_version, 3);
  EXPECT_EQ(report.table_versions, 4u);
  EXPECT_EQ(report.parts, 3u);
  EXPECT_EQ(report.rows, static_cast<uint64_t>(kTableRows));
  EXPECT_GE(report.log_records, 4u);
  EXPECT_EQ(report.index_segments, 1u);
  EXPECT_GE(report.files, 4u + 1 + 1 + 3 + 3 + 1 + 1 + 1);
  EXPECT_GT(report.bytes, size_t{kTableRows} * kDim * sizeof(float));
}

TEST_F(VerifierTest, RunsBesideTheWriterAndChangesNothing) {
  Create();
  ASSERT_OK(collection_->Upsert(At("a", 0, 0)));
  EXPECT_EQ(TextOf(Verify().findings), "");
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->Upsert(At("a", 1, 1)));
  ASSERT_OK(collection_->Flush());
  const VerifyReport report = Verify();
  EXPECT_TRUE(report.is_sound()) << TextOf(report.findings);
  ASSERT_EQ(report.findings.size(), 1u) << TextOf(report.findings);
  EXPECT_EQ(report.findings[0].kind, FindingKind::kNote) << "the part that was replaced is kept";
  EXPECT_GT(report.findings[0].bytes, 0u);
  ASSERT_OK(collection_->Upsert(At("b", 1, 1)));
}

TEST_F(VerifierTest, ABusyWriterLooksLikeNoDamage) {
  CreateIndexed();
  WriteRows(0, 1100);
  ASSERT_OK(collection_->Flush());
  std::atomic<bool> is_done = false;
  std::thread writer([&] {
    for (int round = 0; round < 25; ++round) {
      // Each replaces rows of the parts before, which are written anew.
      WriteRows(round * 20, round * 20 + 60);
      EXPECT_OK(collection_->Flush());
      if (round % 5 == 0) {
        EXPECT_OK(collection_->BuildIndex());
      }
      WriteRows(2000 + round, 2001 + round);
    }
    is_done = true;
  });
  int verifications = 0;
  while (!is_done || verifications == 0) {
    const VerifyReport report = Verify();
    EXPECT_TRUE(report.is_sound()) << TextOf(report.findings);
    ++verifications;
  }
  writer.join();
  EXPECT_TRUE(Verify().is_sound());
}

TEST_F(VerifierTest, ProgressIsToldAndStopsIt) {
  Fill();
  uint64_t last = 0;
  std::set<std::string> files;
  VerifyOptions options;
  options.progress = [&](const VerifyProgress& progress) {
    EXPECT_GE(progress.bytes_done, last);
    last = progress.bytes_done;
    files.insert(std::string(progress.file));
    return true;
  };
  const VerifyReport report = Verify(options);
  EXPECT_EQ(last, report.bytes);
  EXPECT_GE(files.size(), 9u);
  for (int stop_after = 0; stop_after < 40; stop_after += 3) {
    int calls = 0;
    options.progress = [&](const VerifyProgress&) { return calls++ < stop_after; };
    ASSERT_OK_AND_ASSIGN(Engine engine, OpenToRead());
    EXPECT_STATUS(kCancelled, "stopped", engine.Verify("docs", options));
  }
}

TEST_F(VerifierTest, AnIdInTwoPartsIsFoundInAnyMemory) {
  Create();
  const std::string first = AddPart(MakeRows({"a", "b", "c"}));
  const std::string second = AddPart(MakeRows({"d", "b"}));
  for (const size_t memory : {size_t{1}, size_t{1} << 20}) {
    VerifyOptions options;
    options.memory_bytes = memory;
    const VerifyReport report = Verify(options);
    ASSERT_EQ(report.CountOf(FindingKind::kTruthDamage), 1u) << TextOf(report.findings);
    const VerifyFinding& finding = report.findings[0];
    EXPECT_NE(finding.problem.find("id=b"), std::string::npos) << finding.problem;
    EXPECT_EQ((std::set<std::string>{finding.file, finding.other_file}),
              (std::set<std::string>{first, second}));
    EXPECT_FALSE(finding.is_repairable);
  }
}

TEST_F(VerifierTest, DamageInOneFileDoesNotStopTheOthers) {
  Fill();
  const std::vector<std::string> parts = {PartOfVersion(1), PartOfVersion(2)};
  FlipByte("_delta_log/00000000000000000001.json", 0);
  FlipByte(parts[0], 5000);
  Write(parts[1], "no parquet");
  const std::string sidecar = "_viper/index/" + storage::SidecarName(PartOfVersion(3));
  FlipByte(sidecar, 70);
  FlipByte(FilesOf("_viper/index", ".vseg").front(), 70);
  FlipByte(FilesOf("_viper/wal", ".wal").back(), 4096 + 40);
  const VerifyReport report = Verify();
  for (const std::string& file :
       {std::string("_delta_log/00000000000000000001.json"), parts[0], parts[1], sidecar,
        FilesOf("_viper/index", ".vseg").front(), FilesOf("_viper/wal", ".wal").back()}) {
    EXPECT_TRUE(IsReported(report, file)) << file << "\n" << TextOf(report.findings);
  }
  EXPECT_EQ(report.findings.front().kind, FindingKind::kTruthDamage) << "the worst come first";
}

TEST_F(VerifierTest, LeftoversAreNotDamage) {
  Fill();
  Write("_viper/tmp/x", "xyz");
  Write("part-00000000-0000-4000-8000-000000000000.parquet", "x");
  Write("part-00001-c000.snappy.parquet", "another writer's");
  const VerifyReport report = Verify();
  EXPECT_TRUE(report.is_sound());
  EXPECT_EQ(report.CountOf(FindingKind::kLeftover), 2u) << TextOf(report.findings);
  EXPECT_EQ(report.CountOf(FindingKind::kNote), 1u) << TextOf(report.findings);
}

TEST_F(VerifierTest, WithoutACollectionItIsNotFound) {
  Create();
  ASSERT_OK_AND_ASSIGN(Engine engine, OpenToRead());
  EXPECT_STATUS(kNotFound, "films", engine.Verify("films"));
  EXPECT_STATUS(kInvalidArgument, "", engine.Verify("../docs"));
}

}  // namespace
}  // namespace viper::core
