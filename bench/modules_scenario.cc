// What the modules expect beside what comes, at sizes that tests have no time for: the tasks that
// the schedule of compaction chooses with its model and without, under a skewed trace of searches;
// the sizes of merged files; the speeds that advice on compression tells; latency and bytes at
// twice the rows.

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "environment.h"
#include "scenario.h"
#include "vector_set.h"
#include "viper/pipeline.h"
#include "viper/utilities.h"

namespace viper::bench {

namespace {

constexpr uint64_t kSeed = 20261127;
constexpr double kMebibyte = 1 << 20;

Result<std::shared_ptr<Collection>> MakeEmpty(Engine& engine, const std::string& name, size_t dim) {
  return engine.CreateCollection(name, {.dim = dim, .metric = Metric::kL2, .fields = {}});
}

// Loads rows [first, first + count) as one file of the table.
Status LoadFile(Collection& collection, const VectorSet& set, size_t first, size_t count) {
  auto source = OpenRows(set, fmt::format("{}-", first), first, count);
  if (!source.ok()) return source.status();
  return collection.Load(**source).status();
}

// -- What the schedule of compaction chooses

constexpr size_t kCollections = 16;
constexpr size_t kRowsEach = 20'000;
constexpr size_t kTraceSearches = 4'000;
// Of all bytes, what may be copied.
constexpr double kBudgetShare = 0.25;

std::string NameOf(size_t i) { return fmt::format("c{}", i); }

// Collections of as many rows each, in different numbers of files and with different shares of
// deleted rows; neither grows with the other.
Status MakeCollections(Engine& engine, const VectorSet& set) {
  std::mt19937_64 random(kSeed);
  for (size_t i = 0; i < kCollections; ++i) {
    auto collection = MakeEmpty(engine, NameOf(i), set.dim);
    if (!collection.ok()) return collection.status();
    const size_t files = 4 + random() % 5;
    const size_t first = i * kRowsEach % (set.rows - kRowsEach + 1);
    for (size_t file = 0; file < files; ++file) {
      const size_t begin = kRowsEach * file / files;
      const size_t end = kRowsEach * (file + 1) / files;
      Status status = LoadFile(**collection, set, first + begin, end - begin);
      if (!status.ok()) return status;
    }
    auto records = (*collection)->Scroll({.limit = kRowsEach});
    if (!records.ok()) return records.status();
    const double dead_share = 0.05 + 0.1 * static_cast<double>(random() % 6);
    std::vector<std::string> ids;
    for (const Record& record : records->records) {
      if (std::generate_canonical<double, 53>(random) < dead_share) ids.push_back(record.id);
    }
    if (auto deleted = (*collection)->Delete(ids); !deleted.ok()) return deleted.status();
    if (Status status = (*collection)->Flush(); !status.ok()) return status;
  }
  return Status::Ok();
}

// Processor seconds of the trace: most searches go to a few of the collections (Zipf's law).
Result<double> AskTrace(Engine& engine, const VectorSet& set) {
  std::vector<std::shared_ptr<Collection>> collections;
  std::vector<double> weights;
  for (size_t i = 0; i < kCollections; ++i) {
    auto collection = engine.OpenCollection(NameOf(i));
    if (!collection.ok()) return collection.status();
    collections.push_back(std::move(*collection));
    weights.push_back(1 / static_cast<double>(1 + (i * 7) % kCollections));
  }
  std::mt19937_64 random(kSeed);
  std::discrete_distribution<size_t> next(weights.begin(), weights.end());
  auto elapsed = TimeOnce([&] {
    for (size_t i = 0; i < kTraceSearches; ++i) {
      auto hits = collections[next(random)]->Search(set.query(i), {.exact = true});
      if (!hits.ok()) return hits.status();
    }
    return Status::Ok();
  });
  if (!elapsed.ok()) return elapsed.status();
  return elapsed->processor;
}

Status MeasureChoice(const RunOptions& options, const VectorSet& set, bool uses_model,
                     Value::Object& results) {
  const std::string root = options.work_folder + "/choice";
  if (Status status = MakeEmptyFolder(root); !status.ok()) return status;
  EngineOptions engine_options;
  engine_options.search_threads = 1;
  engine_options.delete_mode = DeleteMode::kVectors;
  auto engine = OpenQuietEngine(root, engine_options);
  if (!engine.ok()) return engine.status();
  if (Status status = MakeCollections(*engine, set); !status.ok()) return status;
  auto before = AskTrace(*engine, set);
  if (!before.ok()) return before.status();
  PipelineConfig config;
  config.enable_background_processing = false;
  config.compaction.enable_ml_compaction = uses_model;
  auto pipeline = Pipeline::Make(config, nullptr, &*engine);
  if (!pipeline.ok()) return pipeline.status();
  CompactionEngine& compaction = *(*pipeline)->compaction();
  if (auto queued = compaction.Schedule(); !queued.ok()) return queued.status();
  uint64_t all_bytes = 0;
  for (size_t i = 0; i < kCollections; ++i) {
    all_bytes += (*engine->OpenCollection(NameOf(i)))->Statistics().part_bytes;
  }
  uint64_t copied = 0;
  uint64_t given_back = 0;
  uint64_t tasks = 0;
  double predicted_to_outcome = 0;
  while (static_cast<double>(copied) < kBudgetShare * static_cast<double>(all_bytes) &&
         compaction.RunNext()) {
    copied = given_back = tasks = 0;
    predicted_to_outcome = 0;
    for (const CompactionTaskStatus& task : compaction.Tasks()) {
      if (task.state != TaskState::kDone) continue;
      const CompactionEffect& outcome = *task.outcome;
      ++tasks;
      copied += outcome.bytes_after;
      given_back += outcome.bytes_before - outcome.bytes_after;
      predicted_to_outcome += static_cast<double>(task.prediction->bytes_after) /
                              static_cast<double>(outcome.bytes_after);
    }
  }
  if (copied == 0) return Status::NotFound("the schedule chose no task that copies anything");
  auto after = AskTrace(*engine, set);
  if (!after.ok()) return after.status();
  results[uses_model ? "with_model" : "without_model"] = Value::Object{
      {"tasks", static_cast<int64_t>(tasks)},
      {"bytes_copied", static_cast<int64_t>(copied)},
      {"bytes_given_back_per_byte_copied",
       static_cast<double>(given_back) / static_cast<double>(copied)},
      {"bytes_predicted_to_outcome", predicted_to_outcome / static_cast<double>(tasks)},
      {"trace_cpu_s_before", *before},
      {"trace_cpu_s_after", *after},
      {"trace_share_saved_per_share_copied",
       (1 - *after / *before) * static_cast<double>(all_bytes) / static_cast<double>(copied)}};
  return Status::Ok();
}

Status MeasureChoices(const RunOptions& options, const VectorSet& set, Report& report) {
  Value::Object results;
  results["collections"] = static_cast<int64_t>(kCollections);
  results["rows"] = static_cast<int64_t>(kCollections * kRowsEach);
  results["searches"] = static_cast<int64_t>(kTraceSearches);
  for (const bool uses_model : {true, false}) {
    Status status = MeasureChoice(options, set, uses_model, results);
    if (!status.ok()) return status;
  }
  report.Add("modules", "tasks chosen with the model and without", set.label, std::move(results));
  return Status::Ok();
}

// -- Sizes of merged files

constexpr size_t kSmallFiles = 100;
constexpr uint32_t kTargetsMiB[] = {32, 128};

Status MeasureFileSizes(const RunOptions& options, const VectorSet& set, Report& report) {
  for (const uint32_t target : kTargetsMiB) {
    const std::string root = options.work_folder + "/sizes";
    if (Status status = MakeEmptyFolder(root); !status.ok()) return status;
    auto engine = OpenQuietEngine(root);
    if (!engine.ok()) return engine.status();
    auto collection = MakeEmpty(*engine, "sizes", set.dim);
    if (!collection.ok()) return collection.status();
    for (size_t i = 0; i < kSmallFiles; ++i) {
      const size_t first = set.rows * i / kSmallFiles;
      Status status = LoadFile(**collection, set, first, set.rows * (i + 1) / kSmallFiles - first);
      if (!status.ok()) return status;
    }
    PipelineConfig config;
    config.enable_background_processing = false;
    config.compaction.target_file_size_mb = target;
    auto pipeline = Pipeline::Make(config, nullptr, &*engine);
    if (!pipeline.ok()) return pipeline.status();
    CompactionEngine& compaction = *(*pipeline)->compaction();
    auto task = compaction.Submit({.collection = "sizes"});
    if (!task.ok()) return task.status();
    compaction.RunNext();
    auto done = compaction.TaskStatus(*task);
    if (!done.ok()) return done.status();
    if (done->state != TaskState::kDone) return Status::IoError(done->error.value_or("not done"));
    auto inspection = engine->Inspect("sizes");
    if (!inspection.ok()) return inspection.status();
    std::vector<double> mebibytes;
    for (const PartInspection& part : inspection->parts) {
      mebibytes.push_back(static_cast<double>(part.bytes) / kMebibyte);
    }
    std::sort(mebibytes.begin(), mebibytes.end());
    Value::Object results;
    results["files_before"] = static_cast<int64_t>(done->outcome->files_before);
    results["bytes_before"] = static_cast<int64_t>(done->outcome->bytes_before);
    results["files_after"] = static_cast<int64_t>(mebibytes.size());
    results["smallest_mib"] = mebibytes[0];
    results["second_smallest_mib"] = mebibytes[std::min<size_t>(1, mebibytes.size() - 1)];
    results["largest_mib"] = mebibytes.back();
    results["target_mib"] = static_cast<int64_t>(target);
    results["seconds"] = done->outcome->seconds.value_or(0);
    report.Add("modules", fmt::format("files merged to {} MiB", target), set.label,
               std::move(results));
  }
  return Status::Ok();
}

// -- Speeds that advice on compression tells

constexpr size_t kAdvisedRows = 100'000;

// Records of which the text, or the vector's noise, or its zeros take most of the bytes.
Record MakeAdvised(const std::string& kind, size_t number, std::mt19937_64& random) {
  Record record;
  record.id = fmt::format("id{}", number);
  record.vector.assign(kind == "text" ? 4 : 128, 0);
  if (kind == "text") {
    std::string text;
    for (int word = 0; word < 60; ++word) text += fmt::format("word{} ", random() % 200);
    record.metadata["text"] = Value(std::move(text));
    record.vector[0] = 1;
  } else if (kind == "noise") {
    std::normal_distribution<float> noise;
    for (float& component : record.vector) component = std::exp(4 * noise(random));
  } else {
    for (int i = 0; i < 4; ++i) record.vector[random() % record.vector.size()] = 1;
  }
  return record;
}

Status MeasureAdvice(const RunOptions& options, const std::string& kind, Report& report) {
  const std::string root = options.work_folder + "/advice";
  if (Status status = MakeEmptyFolder(root); !status.ok()) return status;
  EngineOptions engine_options;
  engine_options.search_threads = 1;
  engine_options.compaction_threads = 1;
  auto engine = OpenQuietEngine(root, engine_options);
  if (!engine.ok()) return engine.status();
  std::mt19937_64 random(kSeed);
  auto collection = MakeEmpty(*engine, kind, MakeAdvised(kind, 0, random).vector.size());
  if (!collection.ok()) return collection.status();
  std::vector<Record> records;
  for (size_t i = 0; i < kAdvisedRows; ++i) {
    records.push_back(MakeAdvised(kind, i, random));
    if (records.size() < 1'000) continue;
    if (auto written = (*collection)->Upsert(records); !written.ok()) return written.status();
    records.clear();
  }
  if (Status status = (*collection)->Flush(); !status.ok()) return status;
  UtilitiesConfig config;
  config.compression.time_budget_ms = 0;
  auto utilities = Utilities::Make(config, *engine);
  if (!utilities.ok()) return utilities.status();
  auto advice = (*utilities)->OptimizeCompression(kind);
  if (!advice.ok()) return advice.status();
  const double logical_mb =
      static_cast<double>((*collection)->Statistics().logical_bytes.value_or(0)) / 1e6;
  Result<CompressionOutcome> outcome = Status::NotFound("not applied");
  auto elapsed = TimeOnce([&] {
    outcome = (*utilities)->Compression().Apply(kind);
    return outcome.status();
  });
  if (!elapsed.ok()) return elapsed.status();
  // The speed of writing is that of rows that are read from files: what a rewrite does.
  const double speed = *advice->expected_performance.compression_speed_mb_sec;
  const double predicted = logical_mb / speed;
  Value::Object results;
  results["rows"] = static_cast<int64_t>(kAdvisedRows);
  results["recommended"] = advice->recommended_way.ToString();
  results["reason"] = advice->reason;
  results["ratio_expected"] = outcome->expected_ratio;
  results["ratio"] = outcome->actual_ratio;
  results["ratio_error"] = outcome->error;
  results["write_mb_per_s_expected"] = speed;
  results["rewrite_predicted_cpu_s"] = predicted;
  results["rewrite_cpu_s"] = elapsed->processor;
  results["rewrite_predicted_to_measured"] = predicted / elapsed->processor;
  report.Add("modules", fmt::format("advice on compression: {}", kind),
             fmt::format("synthetic {}, seed {}", kind, kSeed), std::move(results));
  return Status::Ok();
}

// -- Numbers at twice the rows

constexpr size_t kFittedRows = 100'000;
constexpr size_t kFittedSteps = 8;
constexpr size_t kPredictedQueries = 1'000;

Result<double> MeanLatencyMs(const Collection& collection, const VectorSet& set) {
  auto elapsed = TimeOnce([&] {
    for (size_t i = 0; i < kPredictedQueries; ++i) {
      if (auto hits = collection.Search(set.query(i)); !hits.ok()) return hits.status();
    }
    return Status::Ok();
  });
  if (!elapsed.ok()) return elapsed.status();
  return 1e3 * elapsed->wall / kPredictedQueries;
}

// Has the statistics service look at the collection.
Status Observe(Utilities& utilities) {
  const auto runs = [&] {
    for (const ServiceHealth& health : utilities.Services()) {
      if (health.name == "statistics") return health.runs;
    }
    return uint64_t{0};
  };
  const uint64_t enough = runs() + 2;
  if (Status status = utilities.StartServices(); !status.ok()) return status;
  while (runs() < enough) std::this_thread::yield();
  return utilities.StopServices();
}

double ErrorOf(double predicted, double actual) { return predicted / actual - 1; }

Status MeasurePrediction(const RunOptions& options, const VectorSet& set, Report& report) {
  if (set.rows < 2 * kFittedRows) return Status::Ok();
  const std::string root = options.work_folder + "/prediction";
  if (Status status = MakeEmptyFolder(root); !status.ok()) return status;
  EngineOptions engine_options;
  engine_options.search_threads = 1;
  auto engine = OpenQuietEngine(root, engine_options);
  if (!engine.ok()) return engine.status();
  auto collection = MakeEmpty(*engine, "growing", set.dim);
  if (!collection.ok()) return collection.status();
  UtilitiesConfig config;
  config.stats.collection_interval_ms = 1;
  config.ttl.enabled = false;
  config.compression.enable_adaptive_compression = false;
  auto utilities = Utilities::Make(config, *engine);
  if (!utilities.ok()) return utilities.status();
  for (size_t step = 0; step < kFittedSteps; ++step) {
    const size_t first = kFittedRows * step / kFittedSteps;
    Status status =
        LoadFile(**collection, set, first, kFittedRows * (step + 1) / kFittedSteps - first);
    if (status.ok()) status = (*collection)->BuildIndex();
    if (status.ok()) status = MeanLatencyMs(**collection, set).status();
    if (status.ok()) status = Observe(**utilities);
    if (!status.ok()) return status;
  }
  auto predicted = (*utilities)->Predict("growing", 2);
  if (!predicted.ok()) return predicted.status();
  if (Status status = LoadFile(**collection, set, kFittedRows, kFittedRows); !status.ok()) {
    return status;
  }
  if (Status status = (*collection)->BuildIndex(); !status.ok()) return status;
  auto latency = MeanLatencyMs(**collection, set);
  if (!latency.ok()) return latency.status();
  const auto bytes = static_cast<double>((*collection)->Statistics().part_bytes);
  Value::Object results;
  results["rows_fitted"] = static_cast<int64_t>(kFittedRows);
  results["rows_predicted"] = predicted->rows;
  if (predicted->latency_ms) {
    results["latency_ms_predicted"] = predicted->latency_ms->value;
    results["latency_ms"] = *latency;
    results["latency_error"] = ErrorOf(predicted->latency_ms->value, *latency);
    if (const auto& error = predicted->latency_ms->past_error)
      results["latency_past_error"] = *error;
  }
  if (predicted->bytes) {
    results["bytes_predicted"] = predicted->bytes->value;
    results["bytes"] = bytes;
    results["bytes_error"] = ErrorOf(predicted->bytes->value, bytes);
    if (const auto& error = predicted->bytes->past_error) results["bytes_past_error"] = *error;
  }
  report.Add("modules", "latency and bytes at twice the rows", set.label, std::move(results));
  return Status::Ok();
}

}  // namespace

Status RunModules(const RunOptions& options, Report& report) {
  auto set = OpenOrMakeVectors(options);
  if (!set.ok()) return set.status();
  if (Status status = MeasureChoices(options, *set, report); !status.ok()) return status;
  if (Status status = MeasurePrediction(options, *set, report); !status.ok()) return status;
  for (const char* kind : {"text", "noise", "sparse"}) {
    if (Status status = MeasureAdvice(options, kind, report); !status.ok()) return status;
  }
  // Twice the rows of other scenarios: 1 GB of floats by default, which hardly shrink.
  auto noise = MakeVectors(options.work_folder + "/noise.fvecs", 2 * options.rows, kDefaultDim);
  if (!noise.ok()) return noise.status();
  return MeasureFileSizes(options, *noise, report);
}

}  // namespace viper::bench
