#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "viper/performance_stats.h"

namespace viper {
namespace {

Value CountValue(uint64_t count) { return static_cast<int64_t>(count); }

template <typename T>
Value OptionalValue(const std::optional<T>& value) {
  return value ? Value(*value) : Value();
}

Value OptionalCount(const std::optional<uint64_t>& count) {
  return count ? CountValue(*count) : Value();
}

Value ValueOf(const PhaseMetrics& phase) {
  return Value::Object{{"name", phase.name},
                       {"count", CountValue(phase.count)},
                       {"nanoseconds", CountValue(phase.nanoseconds)},
                       {"cpu_nanoseconds", OptionalCount(phase.cpu_nanoseconds)},
                       {"is_unclosed", phase.is_unclosed}};
}

Value ValueOf(const OperationTotals& totals) {
  return Value::Object{{"total_operations", CountValue(totals.total_operations)},
                       {"failures", CountValue(totals.failures)},
                       {"records", CountValue(totals.records)},
                       {"bytes_written", CountValue(totals.bytes_written)},
                       {"avg_latency_ms", OptionalValue(totals.avg_latency_ms)},
                       {"p50_latency_ms", OptionalValue(totals.p50_latency_ms)},
                       {"p95_latency_ms", OptionalValue(totals.p95_latency_ms)},
                       {"p99_latency_ms", OptionalValue(totals.p99_latency_ms)},
                       {"max_latency_ms", OptionalValue(totals.max_latency_ms)},
                       {"records_per_second", OptionalValue(totals.records_per_second)},
                       {"avg_compression_ratio", OptionalValue(totals.avg_compression_ratio)}};
}

Value ValueOf(const OperationStatistics& statistics) {
  return Value::Object{{"source", OperationSourceName(statistics.source)},
                       {"collection", statistics.collection},
                       {"operation", statistics.operation},
                       {"totals", ValueOf(statistics.totals)}};
}

Value ValueOf(const CollectionPerformance& performance) {
  return Value::Object{{"collection", performance.collection},
                       {"recorded", ValueOf(performance.recorded)},
                       {"engine", ValueOf(performance.engine)}};
}

Value ValueOf(const Trend& trend) {
  return Value::Object{{"source", OperationSourceName(trend.source)},
                       {"collection", trend.collection},
                       {"operation", trend.operation},
                       {"measure", trend.measure},
                       {"direction", trend.direction},
                       {"slope_per_hour", trend.slope_per_hour},
                       {"change_share", OptionalValue(trend.change_share)},
                       {"confidence", trend.confidence},
                       {"points", CountValue(trend.points)},
                       {"first", trend.first},
                       {"last", trend.last}};
}

Value ValueOf(const OperationMetrics& metrics) { return ToValue(metrics); }
Value ValueOf(const Recommendation& recommendation) { return ToValue(recommendation); }

template <typename Item>
Value ListValue(const std::vector<Item>& items) {
  Value::List list;
  for (const Item& item : items) list.push_back(ValueOf(item));
  return list;
}

}  // namespace

Value ToValue(const OperationMetrics& metrics) {
  Value::List problems;
  for (const std::string& problem : metrics.problems) problems.emplace_back(problem);
  return Value::Object{{"operation", metrics.operation},
                       {"collection", metrics.collection},
                       {"started_at", metrics.started_at},
                       {"total_nanoseconds", CountValue(metrics.total_nanoseconds)},
                       {"cpu_nanoseconds", OptionalCount(metrics.cpu_nanoseconds)},
                       {"phases", ListValue(metrics.phases)},
                       {"records", CountValue(metrics.records)},
                       {"records_per_second", OptionalValue(metrics.records_per_second())},
                       {"bytes_written", CountValue(metrics.bytes_written)},
                       {"compression_ratio", OptionalValue(metrics.compression_ratio)},
                       {"is_failed", metrics.is_failed},
                       {"problems", std::move(problems)}};
}

Value ToValue(const PerformanceReport& report) {
  return Value::Object{{"collection", report.collection},
                       {"made_at", report.made_at},
                       {"global_stats", ValueOf(report.global_stats)},
                       {"engine_stats", ValueOf(report.engine_stats)},
                       {"collection_stats", ListValue(report.collection_stats)},
                       {"operations", ListValue(report.operations)},
                       {"recent_operations", ListValue(report.recent_operations)},
                       {"trends", ListValue(report.trends)},
                       {"resources", report.resources ? ToValue(*report.resources) : Value()},
                       {"recommendations", ListValue(report.recommendations)}};
}

}  // namespace viper
