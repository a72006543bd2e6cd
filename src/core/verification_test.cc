#include "core/verification.h"

#include <gtest/gtest.h>

#include "testing/memory_file_system.h"
#include "testing/status_matchers.h"

namespace viper::core {
namespace {

TEST(Verification, PathsAreToldRelativeToTheCollection) {
  MemoryFileSystem files;
  const std::string directory = "/db/docs";
  const VerifyOptions options;
  Verification verification(files, directory, options);
  verification.AddTruth({"/db/docs/a/b", "/db/docs/c"}, "p", "q");
  verification.AddNote({directory, {}}, "p");
  const auto& findings = verification.report().findings;
  EXPECT_EQ(findings[0].file, "a/b");
  EXPECT_EQ(findings[0].other_file, "c");
  EXPECT_EQ(findings[0].affected, "q");
  EXPECT_EQ(findings[1].file, ".");
}

TEST(Verification, TellsSoManyFindingsOfAFileAndCountsTheRest) {
  MemoryFileSystem files;
  const std::string directory = "/db/docs";
  const VerifyOptions options;
  Verification verification(files, directory, options);
  for (size_t i = 0; i < kFindingsPerFileMax + 7; ++i) {
    verification.AddDerived({"/db/docs/a", {}}, "p");
  }
  verification.AddDerived({"/db/docs/b", {}}, "p");
  EXPECT_EQ(verification.finding_count(), kFindingsPerFileMax + 1);
  EXPECT_EQ(verification.report().findings_left_out, 7u);
  verification.ForgetFindingsFrom(0);
  verification.AddDerived({"/db/docs/a", {}}, "p");
  EXPECT_EQ(verification.finding_count(), 1u) << "what was forgotten does not count";
}

TEST(Verification, RowsAreCountedFromTheFirst) {
  EXPECT_EQ(RowsText(3, 1), "row 3");
  EXPECT_EQ(RowsText(3, 4), "rows 3 to 6");
}

}  // namespace
}  // namespace viper::core
