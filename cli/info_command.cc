#include <memory>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "collection_argument.h"
#include "commands.h"
#include "duration_text.h"
#include "number_text.h"
#include "status_macros.h"
#include "table.h"
#include "terminal.h"

namespace viper::cli {
namespace {

struct Arguments {
  std::string name;
  bool json = false;
};

Value Count(uint64_t count) { return static_cast<int64_t>(count); }

Value SchemaJson(const CollectionSchema& schema) {
  Value::List fields;
  for (const Field& field : schema.fields) {
    fields.push_back(Value::Object{{"name", field.name}, {"type", FieldTypeName(field.type)}});
  }
  return Value::Object{{"dim", Count(schema.dim)},
                       {"metric", MetricName(schema.metric)},
                       {"fields", std::move(fields)}};
}

Value CountIfKnown(const std::optional<uint64_t>& count) {
  return count.has_value() ? Count(*count) : Value();
}

Value StatisticsJson(const CollectionStatistics& statistics) {
  Value::Object json = {
      {"live_rows", CountIfKnown(statistics.live_rows)},
      {"memory_rows", Count(statistics.memory_rows)},
      {"dead_rows", CountIfKnown(statistics.dead_rows)},
      {"part_count", Count(statistics.part_count)},
      {"part_bytes", Count(statistics.part_bytes)},
      {"index_bytes", Count(statistics.index_bytes)},
      {"index_clusters", Count(statistics.index_clusters)},
      {"index_segments", Count(statistics.index_segments)},
      {"index_segment_bytes", Count(statistics.index_segment_bytes)},
      {"indexed_rows", Count(statistics.indexed_rows)},
      {"wal_bytes", Count(statistics.wal_bytes)},
      {"memory_bytes", Count(statistics.memory_bytes)},
      {"selection_bytes", Count(statistics.selection_bytes)},
      {"table_version", statistics.table_version},
      {"last_sequence", Count(statistics.last_sequence)},
      {"flushed_sequence", Count(statistics.flushed_sequence)},
  };
  if (statistics.background_error.has_value()) {
    json["background_error"] = *statistics.background_error;
  }
  return json;
}

Value ListJson(const std::vector<std::string>& texts) {
  return Value::List(texts.begin(), texts.end());
}

Value RecoveryJson(const RecoveryReport& recovery) {
  return Value::Object{{"replayed_records", Count(recovery.replayed_records)},
                       {"torn_bytes", Count(recovery.torn_bytes)},
                       {"torn_file", recovery.torn_file},
                       {"lost_from", Count(recovery.lost_from)},
                       {"lost_to", Count(recovery.lost_to)},
                       {"removed_files", ListJson(recovery.removed_files)},
                       {"rebuilt_files", ListJson(recovery.rebuilt_files)}};
}

Value PropertiesJson(const CollectionProperties& properties) {
  return Value::Object{
      {"default_ttl_ms", properties.default_ttl_ms},
      {"undeclared_keys", std::string(UndeclaredKeysName(properties.undeclared_keys))},
      {"retention_ms", properties.retention_ms ? Value(*properties.retention_ms) : Value()}};
}

void PrintJson(const Collection& collection, const std::string& directory) {
  const Value json = Value::Object{{"name", collection.name()},
                                   {"directory", directory},
                                   {"schema", SchemaJson(collection.schema())},
                                   {"properties", PropertiesJson(collection.Properties())},
                                   {"statistics", StatisticsJson(collection.Statistics())},
                                   {"recovery", RecoveryJson(collection.recovery())}};
  fmt::print("{}\n", json.ToJson());
}

void AddRecovery(const RecoveryReport& recovery, Table& table) {
  if (recovery.replayed_records > 0) {
    table.AddRow({"replayed from the log", CountText(recovery.replayed_records) + " writes"});
  }
  if (recovery.torn_bytes > 0) {
    table.AddRow({"torn log tail cut",
                  fmt::format("{} of {}", BytesText(recovery.torn_bytes), recovery.torn_file)});
  }
  if (recovery.lost_from > 0) {
    table.AddRow({"given up by request",
                  fmt::format("writes {} to {}", recovery.lost_from, recovery.lost_to)});
  }
  for (const std::string& file : recovery.removed_files) table.AddRow({"leftover removed", file});
  for (const std::string& file : recovery.rebuilt_files)
    table.AddRow({"derived file rebuilt", file});
}

void PrintTable(const Collection& collection, const std::string& directory) {
  const CollectionSchema& schema = collection.schema();
  const CollectionStatistics statistics = collection.Statistics();
  Table table({{"collection"}, {collection.name()}});
  table.AddRow({"directory", directory});
  table.AddRow({"dimension", fmt::format("{}", schema.dim)});
  table.AddRow({"metric", std::string(MetricName(schema.metric))});
  for (const Field& field : schema.fields) {
    table.AddRow({"field", fmt::format("{}: {}", field.name, FieldTypeName(field.type))});
  }
  const CollectionProperties properties = collection.Properties();
  table.AddRow({"records expire by default", DurationText(properties.default_ttl_ms)});
  table.AddRow(
      {"undeclared metadata keys", std::string(UndeclaredKeysName(properties.undeclared_keys))});
  table.AddRow({"retention of older versions", RetentionText(properties.retention_ms)});
  table.AddRow({"rows", CountOrUnknown(statistics.live_rows)});
  table.AddRow({"rows in memory and log only", CountText(statistics.memory_rows)});
  table.AddRow({"dead rows in files", CountOrUnknown(statistics.dead_rows)});
  table.AddRow({"table", fmt::format("{} in {} files, version {}", BytesText(statistics.part_bytes),
                                     statistics.part_count, statistics.table_version)});
  table.AddRow({"derived files", BytesText(statistics.index_bytes)});
  table.AddRow(
      {"index",
       statistics.index_clusters == 0
           ? "none"
           : fmt::format("{} rows in {} clusters, {} segments, {}",
                         CountText(statistics.indexed_rows), CountText(statistics.index_clusters),
                         statistics.index_segments, BytesText(statistics.index_segment_bytes))});
  table.AddRow({"log", BytesText(statistics.wal_bytes)});
  table.AddRow({"newest write", fmt::format("{} (in the table up to {})", statistics.last_sequence,
                                            statistics.flushed_sequence)});
  if (statistics.background_error.has_value()) {
    table.AddRow({"background error", *statistics.background_error});
  }
  AddRecovery(collection.recovery(), table);
  fmt::print("{}", table.Render(TerminalWidth()));
}

Status Run(const Session& session, const Arguments& arguments) {
  VIPER_ASSIGN_OR_RETURN(const OpenedCollection opened,
                         OpenCollection(session, arguments.name, Access::kRead));
  const std::string directory = opened.engine->root() + "/" + arguments.name;
  if (arguments.json) {
    PrintJson(*opened.collection, directory);
  } else {
    PrintTable(*opened.collection, directory);
  }
  return Status::Ok();
}

}  // namespace

void AddInfoCommand(Command& program, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  Command command = program.AddCommand("info", "Show schema, size and what opening found");
  AddCollection(command, arguments->name);
  command.AddFlag("--json", arguments->json, "Print one JSON object: schema, statistics, recovery");
  AddExample(command, "  viper info films --json");
  command.OnChosen([arguments, &session] {
    session.run = [arguments, &session] { return Run(session, *arguments); };
  });
}

}  // namespace viper::cli
