#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "viper/optimization.h"
#include "viper/resources.h"

namespace viper {

std::string_view RecommendationTypeName(RecommendationType type) {
  switch (type) {
    case RecommendationType::kCompression:
      return "compression";
    case RecommendationType::kClusterCount:
      return "cluster_count";
    case RecommendationType::kSchema:
      return "schema";
    case RecommendationType::kPartitioning:
      return "partitioning";
    case RecommendationType::kCompaction:
      return "compaction";
  }
  return "?";
}

std::string_view RecommendationStateName(RecommendationState state) {
  switch (state) {
    case RecommendationState::kOpen:
      return "open";
    case RecommendationState::kApplied:
      return "applied";
    case RecommendationState::kFailed:
      return "failed";
  }
  return "?";
}

namespace {

Value NumberValue(uint64_t number) { return static_cast<int64_t>(number); }
Value NumberValue(const std::optional<uint64_t>& number) {
  return number ? NumberValue(*number) : Value();
}
Value NumberValue(const std::optional<double>& number) { return number ? Value(*number) : Value(); }

Value NamesValue(const std::vector<std::string>& names) {
  return Value::List(names.begin(), names.end());
}

Value ValueOfClusters(const ClusterCountAdvice& advice) {
  Value::List trials;
  for (const ClusterCountTrial& trial : advice.trials) {
    trials.emplace_back(Value::Object{{"clusters", NumberValue(trial.clusters)},
                                      {"probes", trial.probes},
                                      {"scanned_share", trial.scanned_share},
                                      {"cost", trial.cost}});
  }
  return Value::Object{{"rows", NumberValue(advice.rows)},
                       {"sample_rows", NumberValue(advice.sample_rows)},
                       {"queries", NumberValue(advice.queries)},
                       {"recall", advice.recall},
                       {"current_clusters", NumberValue(advice.current_clusters)},
                       {"current_cost", NumberValue(advice.current_cost)},
                       {"recommended_clusters", NumberValue(advice.recommended_clusters)},
                       {"recommended_cost", NumberValue(advice.recommended_cost)},
                       {"reason", advice.reason},
                       {"trials", std::move(trials)}};
}

Value ValueOfSchema(const SchemaAdvice& advice) {
  Value::List fields;
  for (const FieldAdvice& field : advice.fields) {
    fields.emplace_back(Value::Object{{"action", FieldActionName(field.action)},
                                      {"field", field.field.name},
                                      {"type", FieldTypeName(field.field.type)},
                                      {"filters", NumberValue(field.filters)},
                                      {"fill_share", field.fill_share},
                                      {"json_bytes", NumberValue(field.json_bytes)},
                                      {"reason", field.reason}});
  }
  return Value::Object{{"rows_read", NumberValue(advice.rows_read)},
                       {"filtered_searches", NumberValue(advice.filtered_searches)},
                       {"fields", std::move(fields)}};
}

Value ValueOfPartitions(const PartitionAdvice& advice) {
  return Value::Object{{"partitions", NumberValue(advice.partitions)},
                       {"rows_largest", NumberValue(advice.rows_largest)},
                       {"rows_mean", advice.rows_mean},
                       {"gini", advice.gini},
                       {"gini_afterwards", NumberValue(advice.gini_afterwards)},
                       {"split", NamesValue(advice.split)},
                       {"merge", NamesValue(advice.merge)},
                       {"switch_to_time", advice.switch_to_time},
                       {"reason", advice.reason}};
}

Value ValueOfCompaction(const CompactionAdvice& advice) {
  Value::List steps;
  for (const CompactionStep& step : advice.planned.steps) {
    steps.emplace_back(Value::Object{{"files", NamesValue(step.files)},
                                     {"reason", step.reason},
                                     {"bytes_before", NumberValue(step.bytes_before)},
                                     {"predicted_bytes", NumberValue(step.predicted_bytes)},
                                     {"predicted_files", NumberValue(step.predicted_files)},
                                     {"predicted_seconds", NumberValue(step.predicted_seconds)}});
  }
  return Value::Object{{"bytes_given_back", NumberValue(advice.bytes_given_back)},
                       {"files_fewer", NumberValue(advice.files_fewer)},
                       {"steps", std::move(steps)}};
}

}  // namespace

Value ToValue(const Recommendation& recommendation) {
  const auto& error = recommendation.error;
  return Value::Object{{"id", NumberValue(recommendation.id)},
                       {"type", RecommendationTypeName(recommendation.type)},
                       {"collection", recommendation.collection},
                       {"made_at", recommendation.made_at},
                       {"action", recommendation.action},
                       {"evidence", recommendation.evidence},
                       {"measure", recommendation.measure},
                       {"current", recommendation.current},
                       {"expected", NumberValue(recommendation.expected)},
                       {"confidence", recommendation.confidence},
                       {"can_be_applied", recommendation.can_be_applied},
                       {"subject", recommendation.subject},
                       {"state", RecommendationStateName(recommendation.state)},
                       {"outcome", NumberValue(recommendation.outcome)},
                       {"error", error ? Value(*error) : Value()}};
}

Value ToValue(const OptimizationReport& report) {
  Value::List recommendations;
  for (const Recommendation& recommendation : report.recommendations) {
    recommendations.push_back(ToValue(recommendation));
  }
  return Value::Object{{"collection", report.collection},
                       {"compression", ToValue(report.compression)},
                       {"clusters", ValueOfClusters(report.clusters)},
                       {"schema", ValueOfSchema(report.schema)},
                       {"partitions", ValueOfPartitions(report.partitions)},
                       {"compaction", ValueOfCompaction(report.compaction)},
                       {"recommendations", std::move(recommendations)}};
}

Value ToValue(const ResourceReport& report) {
  const ProcessResources& process = report.process;
  Value::List collections;
  for (const CollectionResources& collection : report.collections) {
    collections.emplace_back(
        Value::Object{{"collection", collection.collection},
                      {"table_bytes", NumberValue(collection.table_bytes)},
                      {"log_bytes", NumberValue(collection.log_bytes)},
                      {"index_bytes", NumberValue(collection.index_bytes)},
                      {"memory_bytes", NumberValue(collection.memory_bytes)},
                      {"rows_to_flush", NumberValue(collection.rows_to_flush)},
                      {"rows_to_index", NumberValue(collection.rows_to_index)}});
  }
  return Value::Object{
      {"process", Value::Object{{"resident_bytes", NumberValue(process.resident_bytes)},
                                {"cpu_seconds", NumberValue(process.cpu_seconds)},
                                {"read_call_bytes", NumberValue(process.read_call_bytes)},
                                {"write_call_bytes", NumberValue(process.write_call_bytes)},
                                {"disk_read_bytes", NumberValue(process.disk_read_bytes)},
                                {"disk_written_bytes", NumberValue(process.disk_written_bytes)},
                                {"open_files", NumberValue(process.open_files)},
                                {"threads", NumberValue(process.threads)}}},
      {"engine_memory",
       Value::Object{{"limit", NumberValue(report.engine_memory.limit)},
                     {"rows", NumberValue(report.engine_memory.rows)},
                     {"caches", NumberValue(report.engine_memory.caches)},
                     {"index_builds", NumberValue(report.engine_memory.index_builds)},
                     {"files", NumberValue(report.engine_memory.files)}}},
      {"collections", std::move(collections)}};
}

}  // namespace viper
