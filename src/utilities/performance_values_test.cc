#include <string>

#include <gtest/gtest.h>

#include "viper/performance_stats.h"

namespace viper {
namespace {

TEST(PerformanceValues, AReportIsJsonWithNullsWhereNothingWasMeasured) {
  PerformanceReport report;
  report.collection = "docs";
  report.global_stats.total_operations = 3;
  report.global_stats.avg_latency_ms = 30;
  report.trends.push_back({.collection = "docs", .operation = "search", .measure = "latency_ms"});
  OperationMetrics& metrics = report.recent_operations.emplace_back();
  metrics.operation = "insert";
  metrics.total_nanoseconds = 2'000'000'000;
  metrics.records = 10;
  metrics.phases.push_back({.name = "sort", .count = 2, .nanoseconds = 7});
  metrics.problems.emplace_back("x");
  const std::string json = ToValue(report).ToJson();
  for (const char* part :
       {R"("total_operations":3)", R"("avg_latency_ms":30)", R"("p50_latency_ms":null)",
        R"("avg_compression_ratio":null)", R"("measure":"latency_ms")", R"("change_share":null)",
        R"("name":"sort")", R"("records_per_second":5)", R"("problems":["x"])",
        R"("source":"recorded")"}) {
    EXPECT_NE(json.find(part), std::string::npos) << part << " in " << json;
  }
}

}  // namespace
}  // namespace viper
