#include "core/verify_index.h"

#include "core/verified_collection_fixture.h"

namespace viper::core {
namespace {

using VerifyIndexTest = VerifiedCollectionFixture;

TEST_F(VerifyIndexTest, DamagedFilesAreDerivedDamage) {
  Fill();
  const std::string segment = FilesOf("_viper/index", ".vseg").front();
  const std::string model = FilesOf("_viper/index", ".vmodel").front();
  const std::string good = Read(segment);
  FlipByte(segment, 10);
  VerifyReport report = Verify();
  ASSERT_EQ(report.findings.size(), 1u) << TextOf(report.findings);
  EXPECT_EQ(report.findings[0].kind, FindingKind::kDerivedDamage);
  EXPECT_TRUE(report.findings[0].is_repairable);
  EXPECT_NE(report.findings[0].problem.find("cluster"), std::string::npos);
  Write(segment, good);
  FlipByte(model, 100);
  report = Verify();
  EXPECT_TRUE(IsReported(report, model) && IsReported(report, segment))
      << "a segment is nothing without its model\n"
      << TextOf(report.findings);
  EXPECT_EQ(report.CountOf(FindingKind::kDerivedDamage), 2u);
}

TEST_F(VerifyIndexTest, FilesOfOthersAreTold) {
  Fill();
  const std::string model = FilesOf("_viper/index", ".vmodel").front();
  const std::string segment = FilesOf("_viper/index", ".vseg").front();
  Write("_viper/index/0123456789abcdef.vmodel", Read(model));
  VerifyReport report = Verify();
  ASSERT_EQ(report.findings.size(), 1u) << TextOf(report.findings);
  EXPECT_NE(report.findings[0].problem.find("the name of another model"), std::string::npos);
  ASSERT_OK(files_.RemoveFile("/db/docs/_viper/index/0123456789abcdef.vmodel"));
  // A segment of parts that are gone.
  storage::TableCommit commit;
  commit.operation = "DELETE";
  for (const auto& [path, added] : LoadTable().files) {
    storage::RemovedFile removed;
    removed.path = path;
    commit.removed.push_back(removed);
  }
  ASSERT_OK(storage::TableLog::Make(files_, kTable, {})->Commit(4, commit, 9));
  report = Verify();
  EXPECT_TRUE(report.is_sound()) << TextOf(report.findings);
  EXPECT_TRUE(IsReported(report, segment)) << TextOf(report.findings);
}

}  // namespace
}  // namespace viper::core
