#include <set>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "viper/optimization.h"
#include "viper/resources.h"

namespace viper {
namespace {

TEST(OptimizationValues, NamesAreDifferent) {
  std::set<std::string_view> names;
  for (const auto type : {RecommendationType::kCompression, RecommendationType::kClusterCount,
                          RecommendationType::kSchema, RecommendationType::kPartitioning,
                          RecommendationType::kCompaction}) {
    names.insert(RecommendationTypeName(type));
  }
  for (const auto state :
       {RecommendationState::kOpen, RecommendationState::kApplied, RecommendationState::kFailed}) {
    names.insert(RecommendationStateName(state));
  }
  EXPECT_EQ(names.size(), 8u);
}

TEST(OptimizationValues, O1_O5_AReportIsJsonWithFiveSections) {
  OptimizationReport report;
  report.collection = "docs";
  report.clusters.trials.push_back({.clusters = 8, .probes = 2, .scanned_share = 0.25, .cost = 9});
  report.schema.fields.push_back({.field = {"year", FieldType::kInt64}, .filters = 12});
  report.partitions.split = {"hot"};
  report.compaction.planned.steps.emplace_back().reason = "4 small files";
  report.recommendations.push_back({.id = 3, .type = RecommendationType::kSchema});
  const std::string json = ToValue(report).ToJson();
  for (const char* part :
       {R"("compression":{)", R"("clusters":{)", R"("schema":{)", R"("partitions":{)",
        R"("compaction":{)", R"("scanned_share":0.25)", R"("action":"promote")", R"("filters":12)",
        R"("split":["hot"])", R"("reason":"4 small files")", R"("type":"schema")",
        R"("outcome":null)", R"("current_cost":null)"}) {
    EXPECT_NE(json.find(part), std::string::npos) << part << " in " << json;
  }
}

TEST(OptimizationValues, M4_ResourcesAreJsonWithNullsForWhatIsNotTold) {
  ResourceReport report;
  report.process.open_files = 7;
  report.collections.push_back({.collection = "docs", .table_bytes = 5});
  const std::string json = ToValue(report).ToJson();
  for (const char* part : {R"("open_files":7)", R"("resident_bytes":null)",
                           R"("rows_to_index":null)", R"("table_bytes":5)"}) {
    EXPECT_NE(json.find(part), std::string::npos) << part << " in " << json;
  }
}

}  // namespace
}  // namespace viper
