// Exact search is bound by memory bandwidth, so its measure is a plain streaming read of the same
// mapped bytes in the same run: the share of the bandwidth that one thread of search reaches. A
// batch reads the data once for many queries, so its measure is the speed-up over single queries.

#include <fmt/core.h>

#include "environment.h"
#include "scenario.h"
#include "streaming_read.h"
#include "vector_set.h"

namespace viper::bench {

namespace {

constexpr size_t kStreamPasses = 8;
constexpr size_t kSingleQueries = 8;
constexpr size_t kBatchQueries = 64;

// Maps the table's data files, as the engine does.
Result<std::vector<std::unique_ptr<MappedFile>>> MapParts(const std::string& collection_folder) {
  FileSystem& files = FileSystem::Local();
  auto names = files.List(collection_folder);
  if (!names.ok()) return names.status();
  std::vector<std::unique_ptr<MappedFile>> parts;
  for (const std::string& name : *names) {
    if (!name.ends_with(".parquet")) continue;
    auto part = files.Map(collection_folder + "/" + name);
    if (!part.ok()) return part.status();
    parts.push_back(std::move(*part));
  }
  return parts;
}

bool SameAnswer(const Hits& a, const Hits& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].id != b[i].id || a[i].distance != b[i].distance) return false;
  }
  return true;
}

class MetricRun {
  struct Rates {
    Rounds stream, search, bandwidth_share, single_ms, batch_ms, batch_speedup;
  };

 public:
  MetricRun(const VectorSet& set, const Collection& collection,
            std::vector<std::unique_ptr<MappedFile>> parts)
      : set_(set), collection_(collection), parts_(std::move(parts)) {
    options_.exact = true;
    options_.projection.metadata = false;
  }

  Status Round() {
    auto stream = TimeOnce([&] { return Stream(); });
    if (!stream.ok()) return stream.status();
    auto singles = TimeOnce([&] { return AskOneByOne(); });
    if (!singles.ok()) return singles.status();
    auto batch = TimeOnce([&] { return AskBatch(); });
    if (!batch.ok()) return batch.status();
    for (size_t i = 0; i < single_answers_.size(); ++i) {
      if (!SameAnswer(single_answers_[i], batch_answers_[i])) {
        return Status::Corruption(fmt::format("answers of batch and single differ: query {}", i));
      }
    }
    double float_bytes =
        static_cast<double>(set_.rows) * static_cast<double>(set_.dim) * sizeof(float);
    double stream_rate = static_cast<double>(part_bytes()) * kStreamPasses / stream->processor;
    double search_rate = float_bytes * kSingleQueries / singles->processor;
    rates_.stream.Add(stream_rate * 1e-9);
    rates_.search.Add(search_rate * 1e-9);
    rates_.bandwidth_share.Add(search_rate / stream_rate);
    rates_.single_ms.Add(singles->wall / kSingleQueries * 1e3);
    rates_.batch_ms.Add(batch->wall / kBatchQueries * 1e3);
    rates_.batch_speedup.Add(singles->processor / kSingleQueries /
                             (batch->processor / kBatchQueries));
    return Status::Ok();
  }

  void ForgetRounds() { rates_ = {}; }

  Value::Object Results() const {
    Value::Object results;
    results["rows"] = static_cast<int64_t>(set_.rows);
    results["dim"] = static_cast<int64_t>(set_.dim);
    results["part_bytes"] = static_cast<int64_t>(part_bytes());
    results["stream_gb_per_s"] = rates_.stream.Summary();
    results["search_gb_per_s"] = rates_.search.Summary();
    results["search_to_stream"] = rates_.bandwidth_share.Summary();
    results["single_ms_per_query"] = rates_.single_ms.Summary();
    results["batch64_ms_per_query"] = rates_.batch_ms.Summary();
    results["batch64_speedup"] = rates_.batch_speedup.Summary();
    results["checksum"] = static_cast<int64_t>(checksum_);
    return results;
  }

 private:
  uint64_t part_bytes() const {
    uint64_t bytes = 0;
    for (const auto& part : parts_) bytes += part->bytes().size();
    return bytes;
  }

  Status Stream() {
    for (size_t pass = 0; pass < kStreamPasses; ++pass) {
      for (const auto& part : parts_) checksum_ += SumWords(part->bytes());
    }
    return Status::Ok();
  }

  Status AskOneByOne() {
    single_answers_.clear();
    for (size_t i = 0; i < kSingleQueries; ++i) {
      auto hits = collection_.Search(set_.query(i), options_);
      if (!hits.ok()) return hits.status();
      single_answers_.push_back(std::move(*hits));
    }
    return Status::Ok();
  }

  Status AskBatch() {
    std::vector<float> queries;
    for (size_t i = 0; i < kBatchQueries; ++i) {
      queries.insert(queries.end(), set_.query(i).begin(), set_.query(i).end());
    }
    auto answers = collection_.SearchBatch({.floats = queries, .count = kBatchQueries}, options_);
    if (!answers.ok()) return answers.status();
    batch_answers_ = std::move(*answers);
    return Status::Ok();
  }

  const VectorSet& set_;
  const Collection& collection_;
  std::vector<std::unique_ptr<MappedFile>> parts_;
  SearchOptions options_;
  std::vector<Hits> single_answers_;
  std::vector<Hits> batch_answers_;
  Rates rates_;
  uint64_t checksum_ = 0;
};

Status RunMetric(const RunOptions& options, const VectorSet& set, Metric metric, Report& report) {
  std::string root = options.work_folder + "/exact";
  if (Status status = MakeEmptyFolder(root); !status.ok()) return status;
  EngineOptions engine_options;
  engine_options.search_threads = 1;
  auto engine = OpenQuietEngine(root, engine_options);
  if (!engine.ok()) return engine.status();
  auto collection = LoadCollection(*engine, "exact", set, metric);
  if (!collection.ok()) return collection.status();
  auto parts = MapParts(root + "/exact");
  if (!parts.ok()) return parts.status();

  MetricRun run(set, **collection, std::move(*parts));
  // The first round touches every page for the first time: it is not counted.
  if (Status status = run.Round(); !status.ok()) return status;
  run.ForgetRounds();
  for (size_t round = 0; round < options.rounds; ++round) {
    if (Status status = run.Round(); !status.ok()) return status;
  }
  report.Add("exact", std::string(MetricName(metric)), set.label, run.Results());
  return Status::Ok();
}

}  // namespace

Status RunExact(const RunOptions& options, Report& report) {
  auto set = OpenOrMakeVectors(options);
  if (!set.ok()) return set.status();
  for (Metric metric : {Metric::kL2, Metric::kCosine, Metric::kDot}) {
    if (Status status = RunMetric(options, *set, metric, report); !status.ok()) return status;
  }
  return MakeEmptyFolder(options.work_folder + "/exact");
}

}  // namespace viper::bench
