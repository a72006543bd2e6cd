#include "core/vacuum_plan.h"

#include "testing/status_matchers.h"

namespace viper::core {
namespace {

storage::DeletionVectorDescriptor Vector(const std::string& uuid) {
  Bitmap rows(1, true);
  return storage::DeletionVectorFile(uuid).Add(rows);
}

constexpr char kOlder[] = "00000000-0000-4000-8000-000000000001";
constexpr char kNewer[] = "00000000-0000-4000-8000-000000000002";

std::string PathOf(const std::string& uuid) { return storage::DeletionVectorFile(uuid).path(); }

void Remove(storage::TableState& table, const std::string& path, int64_t at_ms,
            const std::optional<storage::DeletionVectorDescriptor>& vector = std::nullopt) {
  table.tombstones[storage::TombstoneKey(path, vector)] = {
      .path = path, .deletion_timestamp_ms = at_ms, .deletion_vector = vector};
}

TEST(VacuumPlan, WhatWasReplacedLongAgoGoes) {
  storage::TableState table;
  table.files["live"].path = "live";
  Remove(table, "old", 100);
  Remove(table, "young", 101);
  ASSERT_OK_AND_ASSIGN(const VacuumPlan plan, PlanVacuum(table, 100));
  EXPECT_EQ(plan.files, std::vector<std::string>{"old"});
  EXPECT_EQ(plan.tombstones, std::vector<std::string>{"old"});
}

TEST(VacuumPlan, AFileThatLivesOnLosesItsOldVectorsOnly) {
  storage::TableState table;
  table.files["a"].path = "a";
  table.files["a"].deletion_vector = Vector(kNewer);
  Remove(table, "a", 1);
  Remove(table, "a", 2, Vector(kOlder));
  ASSERT_OK_AND_ASSIGN(const VacuumPlan plan, PlanVacuum(table, 100));
  EXPECT_EQ(plan.files, std::vector<std::string>{PathOf(kOlder)});
  EXPECT_EQ(plan.tombstones.size(), 2u);
}

TEST(VacuumPlan, VectorsOfSeveralFilesStayAsLongAsOneNeedsThem) {
  storage::TableState table;
  Remove(table, "a", 1, Vector(kOlder));
  Remove(table, "b", 200, Vector(kOlder));
  ASSERT_OK_AND_ASSIGN(const VacuumPlan plan, PlanVacuum(table, 100));
  EXPECT_EQ(plan.files, std::vector<std::string>{"a"});
}

TEST(VacuumPlan, WhatWasReplacedFirstGoesFirstAndFilesBeforeVectors) {
  storage::TableState table;
  Remove(table, "c", 7);
  Remove(table, "b", 8);
  Remove(table, "b", 9, Vector(kOlder));
  Remove(table, "a", 9);
  ASSERT_OK_AND_ASSIGN(const VacuumPlan plan, PlanVacuum(table, 100));
  EXPECT_EQ(plan.files, (std::vector<std::string>{"c", "a", "b", PathOf(kOlder)}));
  ASSERT_OK_AND_ASSIGN(const auto replaced, ReplacedFiles(table));
  ASSERT_EQ(replaced.size(), 4u);
  EXPECT_EQ(replaced[2].replaced_ms, 9) << "the last version that needs it counts";
  EXPECT_FALSE(replaced[2].is_vector);
  EXPECT_TRUE(replaced[3].is_vector);
}

TEST(VacuumPlan, TheTableNamesFilesAndVectors) {
  storage::TableState table;
  table.files["a"].path = "a";
  table.files["a"].deletion_vector = Vector(kNewer);
  Remove(table, "b", 1, Vector(kOlder));
  ASSERT_OK_AND_ASSIGN(const auto names, NamedFiles(table));
  EXPECT_EQ(names, (std::set<std::string>{"a", "b", PathOf(kOlder), PathOf(kNewer)}));
}

TEST(VacuumPlan, ABadDescriptorIsNamed) {
  storage::TableState table;
  table.files["a"].path = "a";
  table.files["a"].deletion_vector = Vector(kNewer);
  table.files["a"].deletion_vector->path_or_inline = "x";
  EXPECT_STATUS(kCorruption, "deletion vector 'ux'", PlanVacuum(table, 1));
}

}  // namespace
}  // namespace viper::core
