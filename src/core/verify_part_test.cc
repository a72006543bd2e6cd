#include "core/verify_part.h"

#include "core/verified_collection_fixture.h"

namespace viper::core {
namespace {

using VerifyPartTest = VerifiedCollectionFixture;

TEST_F(VerifyPartTest, APartMadeByHandIsSoundButForItsSidecar) {
  Create();
  const std::string part = AddPart(MakeRows({"a", "b"}));
  const VerifyReport report = Verify();
  ASSERT_EQ(report.findings.size(), 1u) << TextOf(report.findings);
  EXPECT_EQ(report.findings[0].kind, FindingKind::kDerivedDamage);
  EXPECT_EQ(report.findings[0].other_file, part);
  EXPECT_TRUE(report.findings[0].is_repairable);
}

TEST_F(VerifyPartTest, TheTableLogMustSayTheSameOfIt) {
  Create();
  const auto made = MakeRows({"a"});
  std::string part = AddPart(made, [](storage::AddedFile& added) { ++added.size; });
  EXPECT_NE(FindingsAbout(part).find("its size is not that of the table log"), std::string::npos);
  part = AddPart(MakeRows({"b"}), [](storage::AddedFile& added) { added.tags.clear(); });
  EXPECT_NE(FindingsAbout(part).find("does not have the checksum"), std::string::npos);
  part = AddPart(MakeRows({"c"}), [](storage::AddedFile& added) {
    added.tags[std::string(kFooterCrcTag)] = "00000000";
  });
  EXPECT_NE(FindingsAbout(part).find("in the table log=00000000"), std::string::npos);
  part = AddPart(MakeRows({"d"}), [](storage::AddedFile& added) {
    added.path = "part-00000000-0000-4000-8000-000000000000.parquet";
  });
  const std::string named = "part-00000000-0000-4000-8000-000000000000.parquet";
  EXPECT_NE(FindingsAbout(named).find("the file is missing"), std::string::npos);
  EXPECT_EQ(FindingsAbout(part).substr(0, 8), "leftover");
}

TEST_F(VerifyPartTest, EveryDamagedPageOfVectorsIsNamedByItsRows) {
  CreateIndexed();
  WriteRows(0, 8000);  // Three pages of a mebibyte each.
  ASSERT_OK(collection_->Flush());
  collection_.reset();
  const std::string part = FilesOf(".", ".parquet").front();
  const auto sidecar_path = storage::SidecarPath(kTable, part);
  const auto mapped = files_.Map(storage::JoinPath(kTable, part)).value();
  const auto sidecar =
      storage::PartSidecar::Open(files_, sidecar_path, storage::FingerprintPart(mapped->bytes()));
  ASSERT_OK(sidecar);
  const auto pages = (*sidecar)->pages();
  ASSERT_GE(pages.size(), 3u);
  FlipByte(part, pages[0].float_offset + 77);
  FlipByte(part, pages[2].float_offset + 770);
  const VerifyReport report = Verify();
  ASSERT_EQ(report.findings.size(), 2u) << TextOf(report.findings);
  for (const size_t page : {size_t{0}, size_t{2}}) {
    const VerifyFinding& finding = report.findings[page / 2];
    EXPECT_TRUE(
        finding.affected.starts_with(RowsText(pages[page].first_row, pages[page].row_count)))
        << finding.affected;
    EXPECT_NE(finding.affected.find(fmt::format("id{}", pages[page].first_row)), std::string::npos);
    EXPECT_FALSE(finding.is_repairable);
  }
  // Without the sidecar the file's own checksums still tell the first.
  ASSERT_OK(files_.RemoveFile(sidecar_path));
  const VerifyReport without = Verify();
  EXPECT_EQ(without.CountOf(FindingKind::kTruthDamage), 1u) << TextOf(without.findings);
}

TEST_F(VerifyPartTest, ASidecarThatSaysSomethingElseIsDerivedDamage) {
  Fill();
  const std::string part = FilesOf(".", ".parquet").front();
  const std::string path = storage::SidecarPath(kTable, part);
  const auto mapped = files_.Map(storage::JoinPath(kTable, part)).value();
  const auto fingerprint = storage::FingerprintPart(mapped->bytes());
  const auto sidecar = storage::PartSidecar::Open(files_, path, fingerprint).value();
  storage::SidecarContent good;
  good.part = fingerprint;
  good.row_count = sidecar->row_count();
  good.max_norm = sidecar->max_norm();
  good.pages = sidecar->pages();
  good.id_hashes.resize(good.row_count, 5);
  storage::SidecarContent small_norm = good;
  small_norm.max_norm /= 2;
  storage::SidecarContent other_crc = good;
  other_crc.pages[0].float_crc ^= 1;
  for (const auto& [content, what] :
       {std::pair(good, "table of ids"), std::pair(small_norm, "largest norm"),
        std::pair(other_crc, "checksums of pages")}) {
    const auto bytes = storage::EncodeSidecar(content).value();
    WriteFile(path, std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    const VerifyReport report = Verify();
    ASSERT_EQ(report.findings.size(), 1u) << what << "\n" << TextOf(report.findings);
    EXPECT_EQ(report.findings[0].kind, FindingKind::kDerivedDamage);
    EXPECT_NE(report.findings[0].problem.find(what), std::string::npos);
  }
}

}  // namespace
}  // namespace viper::core
