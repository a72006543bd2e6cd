// Rows that wait in memory for a flush, beside many that are indexed. The measure is the index with
// nothing in memory: how many times as long a search takes when rows in memory are compared one by
// one, and when they are coded.

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "environment.h"
#include "scenario.h"
#include "vector_set.h"

namespace viper::bench {

namespace {

// Of the rows of a run: in the table and the index, and in memory. 300,000 and 80,000 of a million.
constexpr size_t kTableRowsPercent = 30;
constexpr size_t kMemoryRowsPercent = 8;
constexpr double kRecall = 0.95;

// Puts rows of the set into the memtable, with ids of their own.
Status WriteRows(Collection& collection, const VectorSet& set, size_t first, size_t count) {
  auto source = OpenRows(set, fmt::format("memory-{}-", first), first, count);
  if (!source.ok()) return source.status();
  while (true) {
    auto batch = (*source)->Next();
    if (!batch.ok()) return batch.status();
    if (batch->row_count() == 0) return Status::Ok();
    auto summary = collection.Upsert(*batch);
    if (!summary.ok()) return summary.status();
  }
}

// The same queries on one state of the collection.
class StateRun {
 public:
  StateRun(const VectorSet& set, std::string label, Snapshot snapshot)
      : set_(set), label_(std::move(label)), snapshot_(std::move(snapshot)) {
    options_.recall = kRecall;
    options_.projection.metadata = false;
  }

  // Finds the true neighbours. A state that compares other than `compared_rows` one by one is not
  // the one that is to be measured.
  Status Prepare(uint64_t compared_rows) {
    auto explained = snapshot_.Explain(set_.query(0), options_);
    if (!explained.ok()) return explained.status();
    if (explained->plan != SearchPlan::kIndex || explained->compared_rows != compared_rows) {
      return Status::FailedPrecondition(
          fmt::format("{}: rows compared one by one: expected={} actual={} plan={}", label_,
                      compared_rows, explained->compared_rows, SearchPlanName(explained->plan)));
    }
    compared_rows_ = compared_rows;
    SearchOptions exact = options_;
    exact.exact = true;
    auto truth = snapshot_.SearchBatch({.floats = set_.queries, .count = set_.query_count}, exact);
    if (!truth.ok()) return truth.status();
    truth_ = std::move(*truth);
    return Status::Ok();
  }

  Status Round() {
    // The first query after another state finds out anew where the rows are.
    if (auto hits = snapshot_.Search(set_.query(0), options_); !hits.ok()) return hits.status();
    auto elapsed = TimeOnce([&] { return AskAll(); });
    if (!elapsed.ok()) return elapsed.status();
    us_.Add(elapsed->processor / static_cast<double>(set_.query_count) * 1e6);
    return Status::Ok();
  }

  Value::Object Results(const StateRun& yardstick) const {
    Value::Object results;
    results["dim"] = static_cast<int64_t>(set_.dim);
    results["recall_asked"] = kRecall;
    results["recall"] = RecallOf(answers_, truth_);
    results["compared_rows"] = static_cast<int64_t>(compared_rows_);
    results["us_per_query"] = us_.Summary();
    results["times_without"] = us_.Median() / yardstick.us_.Median();
    return results;
  }
  const std::string& label() const { return label_; }

 private:
  Status AskAll() {
    answers_.clear();
    for (size_t i = 0; i < set_.query_count; ++i) {
      auto hits = snapshot_.Search(set_.query(i), options_);
      if (!hits.ok()) return hits.status();
      answers_.push_back(std::move(*hits));
    }
    return Status::Ok();
  }

  const VectorSet& set_;
  std::string label_;
  Snapshot snapshot_;
  SearchOptions options_;
  uint64_t compared_rows_ = 0;
  std::vector<Hits> truth_;
  std::vector<Hits> answers_;
  Rounds us_;
};

// What the coding of the rows in memory takes.
struct Coding {
  double processor_s = 0;
  uint64_t bytes = 0;
};

// The table is up to date: all that is left to do is to code memory, in this thread.
Result<Coding> CodeMemory(Collection& collection) {
  const uint64_t before = collection.Statistics().memory_bytes;
  auto elapsed = TimeOnce([&] { return collection.BuildIndex(); });
  if (!elapsed.ok()) return elapsed.status();
  return Coding{elapsed->processor, collection.Statistics().memory_bytes - before};
}

Status Measure(const RunOptions& options, const VectorSet& table, size_t memory_rows,
               Collection& collection, Report& report) {
  std::vector<StateRun> states;
  states.emplace_back(table, "nothing in memory", collection.GetSnapshot());
  if (Status status = WriteRows(collection, table, table.rows, memory_rows - 1); !status.ok()) {
    return status;
  }
  // Codes of a row that a snapshot does not see are nothing to it: one row more before the coding,
  // and this one goes on comparing, so that all three take turns.
  states.emplace_back(table, "in memory, compared", collection.GetSnapshot());
  if (Status status = WriteRows(collection, table, table.rows + memory_rows - 1, 1); !status.ok()) {
    return status;
  }
  auto coding = CodeMemory(collection);
  if (!coding.ok()) return coding.status();
  states.emplace_back(table, "in memory, coded", collection.GetSnapshot());

  const uint64_t compared_rows[] = {0, memory_rows - 1, 0};
  for (size_t i = 0; i < states.size(); ++i) {
    if (Status status = states[i].Prepare(compared_rows[i]); !status.ok()) return status;
  }
  for (size_t round = 0; round < options.rounds; ++round) {
    for (StateRun& state : states) {
      if (Status status = state.Round(); !status.ok()) return status;
    }
  }
  for (const StateRun& state : states) {
    Value::Object results = state.Results(states.front());
    results["table_rows"] = static_cast<int64_t>(table.rows);
    results["memory_rows"] = static_cast<int64_t>(&state == &states.front() ? 0 : memory_rows);
    if (&state == &states.back()) {
      results["coding_cpu_s"] = coding->processor_s;
      results["code_bytes"] = static_cast<int64_t>(coding->bytes);
    }
    report.Add("memory", state.label(), table.label, std::move(results));
  }
  return Status::Ok();
}

}  // namespace

Status RunMemory(const RunOptions& options, Report& report) {
  auto set = OpenOrMakeVectors(options);
  if (!set.ok()) return set.status();
  std::string root = options.work_folder + "/memory";
  if (Status status = MakeEmptyFolder(root); !status.ok()) return status;
  const size_t memory_rows = set->rows * kMemoryRowsPercent / 100;
  VectorSet table = std::move(*set);
  table.rows = table.rows * kTableRowsPercent / 100;
  {
    EngineOptions engine_options;
    engine_options.background_flush = false;
    engine_options.search_threads = 1;
    auto engine = OpenQuietEngine(root, engine_options);
    if (!engine.ok()) return engine.status();
    auto collection = LoadCollection(*engine, "memory", table, Metric::kL2);
    if (!collection.ok()) return collection.status();
    if (Status status = (*collection)->BuildIndex(); !status.ok()) return status;
    Status measured = Measure(options, table, memory_rows, **collection, report);
    if (!measured.ok()) return measured;
  }
  return MakeEmptyFolder(root);
}

}  // namespace viper::bench
