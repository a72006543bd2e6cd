// The four modules together, in the order of the design that they were commissioned by: a factory's
// choices, a pipeline's file, the utilities' report, the engine's own work. Nothing printed here is
// made up: `--json` prints every number once more for examples/check_demo.py, which computes it again
// from the files.
//
//   consolidation_demo --input FILE --work DIRECTORY [--json FILE]
//
// FILE is anything that VIPER reads records from: Parquet, JSON Lines, CSV, .npy, .fvecs.

#include <viper/viper.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr char kCollection[] = "embeddings";
constexpr size_t kK = 50;

// Ends the program where something failed: a demonstration has nobody to tell but its reader.
void Check(const viper::Status& status, const char* what) {
  if (status.ok()) return;
  std::cerr << what << ": " << status.ToString() << "\n";
  std::exit(1);
}

template <typename T>
T Take(viper::Result<T> result, const char* what) {
  Check(result.status(), what);
  return std::move(*result);
}

struct Arguments {
  std::string input;
  std::string work;
  std::string json;
};

Arguments ReadArguments(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--input") == 0) arguments.input = argv[i + 1];
    if (std::strcmp(argv[i], "--work") == 0) arguments.work = argv[i + 1];
    if (std::strcmp(argv[i], "--json") == 0) arguments.json = argv[i + 1];
  }
  if (arguments.input.empty() || arguments.work.empty()) {
    std::cerr << "usage: consolidation_demo --input FILE --work DIRECTORY [--json FILE]\n";
    std::exit(2);
  }
  return arguments;
}

std::vector<viper::Record> ReadRecords(const std::string& path) {
  auto source = Take(viper::OpenRecordSource(path), "open the records");
  const size_t dim = source->dim();
  std::vector<viper::Record> records;
  while (true) {
    viper::RecordBatch batch = Take(source->Next(), "read the records");
    if (batch.row_count() == 0) return records;
    for (size_t i = 0; i < batch.row_count(); ++i) {
      viper::Record& record = records.emplace_back();
      record.id = std::move(batch.ids[i]);
      record.collection_id = kCollection;
      const auto begin = batch.vectors.begin() + static_cast<std::ptrdiff_t>(i * dim);
      record.vector.assign(begin, begin + static_cast<std::ptrdiff_t>(dim));
      if (!batch.metadata.empty()) record.metadata = std::move(batch.metadata[i]);
      if (!batch.timestamps.empty()) record.timestamp = batch.timestamps[i];
      if (!batch.expirations.empty()) record.expires_at = batch.expirations[i];
    }
  }
}

// -- 1. A factory makes what belongs together, and says why

viper::ViperComponents MakeComponents(const std::vector<viper::Record>& records,
                                      viper::Value::Object& told) {
  const viper::Configuration configuration = Take(viper::ConfigurationBuilder()
                                                      .WithClusteringEnabled(true)
                                                      .WithMlOptimizations(true)
                                                      .WithCompressionOptimization(true)
                                                      .WithTtlEnabled(true)
                                                      .WithStrategySelection(
                                                          viper::StrategySelectionMode::kAdaptive)
                                                      .WithBatchSize(10'000)
                                                      // Every search is asked again exactly, so that
                                                      // its accuracy can be told.
                                                      .With("engine.audit_share", 1.0)
                                                      .Build(),
                                                  "build the configuration");
  const viper::Factory factory(configuration);
  viper::CollectionConfig collection;
  collection.metric = viper::Metric::kCosine;
  collection.filterable_fields = {{"package", viper::FieldType::kString},
                                  {"kind", viper::FieldType::kString}};
  collection.estimated_rows = records.size();
  viper::ViperComponents components =
      Take(factory.CreateForCollection(kCollection, collection, records), "choose the parts");
  std::printf("1. The factory\n");
  std::printf("  schema strategy: %s\n", std::string(components.schema_strategy->name()).c_str());
  std::printf("  vector processor: %s\n", std::string(components.processor->name()).c_str());
  std::printf("  %s", components.Describe().c_str());
  told["schema_strategy"] = std::string(components.schema_strategy->name());
  told["processor"] = std::string(components.processor->name());
  return components;
}

// -- 2. A pipeline turns records into a file, and the file becomes part of the table

void RunPipeline(const viper::ViperComponents& components, viper::Engine& engine,
                 const std::vector<viper::Record>& records, const std::string& path,
                 viper::Value::Object& told) {
  auto collection = Take(components.OpenCollection(engine), "create the collection");
  auto pipeline = Take(components.MakePipeline(&engine), "make the pipeline");
  const viper::ProcessResult result =
      Take(pipeline->ProcessRecords(kCollection, records, path), "process the records");
  std::printf("\n2. The pipeline\n");
  std::printf("  %llu records written to %s\n",
              static_cast<unsigned long long>(result.entries_flushed), path.c_str());
  std::printf("  compression ratio: %.2f\n", result.compression_ratio.value_or(0));
  std::printf("  processing time: %.1f ms\n", result.flush_duration_ms);
  std::printf("  bytes written: %.2f MiB\n",
              static_cast<double>(result.bytes_written) / (1024.0 * 1024));
  const viper::LoadSummary attached =
      Take(pipeline->AttachFile(kCollection, path), "attach the file");
  std::printf("  %llu rows of it are in the table\n",
              static_cast<unsigned long long>(attached.rows_committed));
  told["file"] = path;
  told["entries_flushed"] = static_cast<int64_t>(result.entries_flushed);
  told["bytes_written"] = static_cast<int64_t>(result.bytes_written);
  told["logical_bytes"] = static_cast<int64_t>(result.logical_bytes);
  told["compression_ratio"] = result.compression_ratio.value_or(0);
  told["flush_duration_ms"] = result.flush_duration_ms;
  told["attached_rows"] = static_cast<int64_t>(attached.rows_committed);
}

// -- 3. Utilities measure, report and advise

void RunUtilities(const viper::ViperComponents& components, viper::Engine& engine,
                  const std::vector<viper::Record>& records, viper::Value::Object& told) {
  auto utilities = Take(components.MakeUtilities(engine), "make the utilities");
  Check(utilities->StartServices(), "start the services");
  auto collection = Take(engine.OpenCollection(kCollection), "open the collection");
  viper::OperationStatsCollector stats = utilities->MakeCollector("vector_insert", kCollection);
  const auto begin = std::chrono::steady_clock::now();
  stats.StartOperation();
  stats.StartPhase("preprocessing");
  const std::vector<viper::Record> again(records.begin(),
                                         records.begin() + static_cast<std::ptrdiff_t>(
                                                               std::min<size_t>(records.size(), 10'000)));
  stats.EndPhase("preprocessing");
  stats.StartPhase("upsert");
  Check(collection->Upsert(again).status(), "upsert");
  stats.EndPhase("upsert");
  stats.StartPhase("flush");
  Check(collection->Flush(), "flush");
  stats.EndPhase("flush");
  stats.SetRecordsProcessed(again.size());
  if (const auto ratio = collection->Statistics().compression_ratio()) {
    Check(stats.SetCompressionRatio(*ratio), "tell the ratio");
  }
  const viper::OperationMetrics metrics = stats.Finalize();
  const std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - begin;
  Check(utilities->RecordOperation(metrics), "record the operation");
  const viper::PerformanceReport report =
      Take(utilities->GetPerformanceStats(std::string(kCollection)), "report");
  std::printf("\n3. The utilities\n");
  std::printf("  total operations: %llu\n",
              static_cast<unsigned long long>(report.global_stats.total_operations));
  std::printf("  average latency: %.2f ms\n", report.global_stats.avg_latency_ms.value_or(0));
  std::printf("  compression ratio: %.2f\n", report.global_stats.avg_compression_ratio.value_or(0));
  for (const viper::PhaseMetrics& phase : metrics.phases) {
    std::printf("  phase %s: %.2f ms\n", phase.name.c_str(),
                static_cast<double>(phase.nanoseconds) / 1e6);
  }
  told["total_operations"] = static_cast<int64_t>(report.global_stats.total_operations);
  told["avg_latency_ms"] = report.global_stats.avg_latency_ms.value_or(0);
  told["operation_ms_by_another_clock"] = elapsed.count();
  told["operation_records"] = static_cast<int64_t>(metrics.records);
  const viper::CompressionRecommendation advice =
      Take(utilities->OptimizeCompression(kCollection), "advise on compression");
  std::printf("  recommended algorithm: %s (now %s): %s\n",
              viper::CompressionName(advice.recommended_algorithm).c_str(),
              viper::CompressionName(advice.current_algorithm).c_str(), advice.reason.c_str());
  if (advice.expected_ratio) std::printf("  expected ratio: %.2f\n", *advice.expected_ratio);
  if (const auto speed = advice.expected_performance.compression_speed_mb_sec) {
    std::printf("  compression speed: %.1f MB/s (now %.1f)\n", *speed,
                advice.current_performance.compression_speed_mb_sec.value_or(0));
  }
  for (const viper::ServiceHealth& service : utilities->Services()) {
    std::printf("  service %s: %s\n", service.name.c_str(),
                std::string(viper::ServiceStateName(service.state)).c_str());
  }
  Check(utilities->StopServices(), "stop the services");
}

// -- 4. The engine: inserts, searches, flushes, compacts and counts

void RunEngine(viper::Engine& engine, const std::vector<viper::Record>& records,
               viper::Value::Object& told) {
  std::printf("\n4. The engine\n");
  auto collection = Take(engine.OpenCollection(kCollection), "open the collection");
  Check(collection->BuildIndex(), "build the index");
  viper::Record record = records.front();
  record.id = "important_vector";
  record.metadata = {{"kind", "critical"}, {"source", "a model of its own"}};
  record.expires_at = viper::Timestamp{viper::Clock::System().Now().micros +
                                       int64_t{30} * 24 * 3600 * 1'000'000};
  Check(engine.InsertVector(record).status(), "insert");
  const viper::ClusterPrediction cluster =
      Take(collection->PredictOptimalCluster(record.vector), "predict the cluster");
  std::printf("  its cluster: %s, margin %.3f\n", cluster.id.ToString().c_str(), cluster.margin);
  std::printf("  its storage format: %s\n",
              std::string(viper::VectorLayoutName(viper::DetermineStorageFormat(record.vector)))
                  .c_str());
  const viper::Hits hits =
      Take(engine.SearchVectors(kCollection, record.vector, kK), "search");
  std::printf("  the search found %zu results, the first %s at distance %.4f\n", hits.size(),
              hits.front().id.c_str(), hits.front().distance);
  for (size_t i = 0; i < 200; ++i) {
    const viper::Record& asked = records[i * records.size() / 200];
    Check(engine.SearchVectors(kCollection, asked.vector, kK).status(), "search");
  }
  const std::vector<viper::RelevantCluster> clusters =
      Take(collection->PredictRelevantClusters(record.vector), "predict the clusters");
  std::printf("  clusters worth looking into for it: %zu of %llu\n", clusters.size(),
              static_cast<unsigned long long>(collection->Statistics().index_clusters));
  Check(engine.FlushCollection(kCollection), "flush");
  const viper::CompactionReport compacted =
      Take(engine.CompactCollection(kCollection, {.everything = true}), "compact");
  Check(collection->BuildIndex(), "bring the index up to date");
  const viper::EngineStatistics statistics = engine.Statistics();
  std::printf("  compaction: %llu files became %llu\n",
              static_cast<unsigned long long>(compacted.files_before),
              static_cast<unsigned long long>(compacted.files_after));
  std::printf("  active clusters: %llu\n",
              static_cast<unsigned long long>(statistics.active_clusters));
  std::printf("  compression ratio: %.2f\n", statistics.avg_compression_ratio.value_or(0));
  if (statistics.avg_ml_prediction_accuracy) {
    std::printf("  ML prediction accuracy: %.1f %%\n",
                100 * *statistics.avg_ml_prediction_accuracy);
    told["prediction_accuracy"] = *statistics.avg_ml_prediction_accuracy;
  }
  told["hits"] = static_cast<int64_t>(hits.size());
  viper::Value::List ids;
  for (const viper::Hit& hit : hits) ids.emplace_back(hit.id);
  told["hit_ids"] = viper::Value(std::move(ids));
  told["active_clusters"] = static_cast<int64_t>(statistics.active_clusters);
  told["files"] = static_cast<int64_t>(compacted.files_after);
  told["storage_bytes"] = static_cast<int64_t>(statistics.total_storage_size_bytes);
  told["engine_compression_ratio"] = statistics.avg_compression_ratio.value_or(0);
  told["live_rows"] = static_cast<int64_t>(Take(collection->Count(), "count"));
}

// What the process has taken of the machine, as the operating system counts it.
void TellResources(viper::Value::Object& told) {
  constexpr double kMebibyte = 1 << 20;
  const viper::ProcessResources resources = viper::ReadProcessResources();
  const auto tell = [&](const char* name, const auto& number, double unit, const char* unit_name) {
    if (!number) return;
    std::printf("  %s: %.1f %s\n", name, static_cast<double>(*number) / unit, unit_name);
    told[name] = static_cast<double>(*number);
  };
  std::printf("\nThe process so far\n");
  tell("resident_bytes", resources.resident_bytes, kMebibyte, "MiB");
  tell("cpu_seconds", resources.cpu_seconds, 1, "s");
  tell("read_call_bytes", resources.read_call_bytes, kMebibyte, "MiB");
  tell("write_call_bytes", resources.write_call_bytes, kMebibyte, "MiB");
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments arguments = ReadArguments(argc, argv);
  viper::Value::Object told;
  const std::vector<viper::Record> records = ReadRecords(arguments.input);
  std::printf("%zu records of %zu components from %s\n\n", records.size(),
              records.empty() ? 0 : records.front().vector.size(), arguments.input.c_str());
  if (records.empty()) return 1;
  const viper::ViperComponents components = MakeComponents(records, told);
  {
    viper::Engine engine = Take(components.OpenEngine(arguments.work + "/tables"), "open the engine");
    RunPipeline(components, engine, records, arguments.work + "/files/batch_001.parquet", told);
    RunUtilities(components, engine, records, told);
    RunEngine(engine, records, told);
  }
  TellResources(told);
  std::printf("\nThe table is closed; any reader of Delta tables opens it: %s/tables/%s\n",
              arguments.work.c_str(), kCollection);
  if (!arguments.json.empty()) {
    std::ofstream(arguments.json) << viper::Value(std::move(told)).ToJson() << "\n";
  }
  return 0;
}
