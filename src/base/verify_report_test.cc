#include <gtest/gtest.h>

#include "viper/verify.h"

namespace viper {
namespace {

VerifyFinding FindingOf(FindingKind kind) {
  VerifyFinding finding;
  finding.kind = kind;
  finding.file = "a";
  return finding;
}

TEST(VerifyReport, IsSoundWithNotesAndLeftovers) {
  VerifyReport report;
  EXPECT_TRUE(report.is_sound());
  report.findings = {FindingOf(FindingKind::kNote), FindingOf(FindingKind::kLeftover)};
  EXPECT_TRUE(report.is_sound());
  report.findings.push_back(FindingOf(FindingKind::kDerivedDamage));
  EXPECT_FALSE(report.is_sound());
  EXPECT_EQ(report.CountOf(FindingKind::kDerivedDamage), 1u);
}

TEST(RepairReport, IsSoundWhereAllDamageIsRepaired) {
  RepairReport report;
  report.dry_run = true;
  report.steps = {{FindingOf(FindingKind::kDerivedDamage), "removed", true},
                  {FindingOf(FindingKind::kLeftover), "kept", false}};
  EXPECT_TRUE(report.is_sound());
  report.steps.push_back({FindingOf(FindingKind::kTruthDamage), "cannot be repaired", false});
  EXPECT_FALSE(report.is_sound());
  report.after = VerifyReport();
  EXPECT_TRUE(report.is_sound()) << "what was measured counts";
}

TEST(VerifyReport, AsAValueHasTheNamesOfTheFields) {
  RepairReport report;
  report.steps = {{FindingOf(FindingKind::kTruthDamage), "cannot be repaired", false}};
  const Value value = ToValue(report);
  const Value::Object& object = *value.as_object();
  EXPECT_TRUE(object.at("after").is_null());
  const Value::Object& step = *object.at("steps").as_list()->front().as_object();
  EXPECT_EQ(step.at("finding").as_object()->at("kind"), Value("truth"));
  EXPECT_EQ(object.at("before").as_object()->at("findings"), Value(Value::List()));
}

}  // namespace
}  // namespace viper
