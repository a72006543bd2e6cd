// The engine beside itself with something left out, one thread each: searches through the index and
// without it; rows added to an index and the same index built from nothing; a mix of operations
// with what makes it fast and without.

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "environment.h"
#include "scenario.h"
#include "vector_set.h"

namespace viper::bench {

namespace {

constexpr double kRecall = 0.95;
constexpr size_t kK = 10;
constexpr size_t kExactQueries = 100;
// Of the table: what is added to it, in thousandths.
constexpr size_t kAddedPerMille[] = {1, 10, 100};
// How often one in a hundred is added in a row, to see what becomes of recall.
constexpr size_t kIncrements = 20;

EngineOptions OneThread() {
  EngineOptions options;
  options.search_threads = 1;
  return options;
}

SearchOptions Asked(bool exact) {
  SearchOptions options;
  options.k = kK;
  options.recall = kRecall;
  options.exact = exact;
  options.projection.metadata = false;
  return options;
}

// -- With the index and without it

struct Answers {
  std::vector<Hits> hits;
  double queries_per_cpu_s = 0;
};

Result<Answers> Ask(const Collection& collection, const VectorSet& set, size_t count, bool exact) {
  Answers answers;
  auto elapsed = TimeOnce([&] {
    for (size_t i = 0; i < count; ++i) {
      auto hits = collection.Search(set.query(i), Asked(exact));
      if (!hits.ok()) return hits.status();
      answers.hits.push_back(std::move(*hits));
    }
    return Status::Ok();
  });
  if (!elapsed.ok()) return elapsed.status();
  answers.queries_per_cpu_s = static_cast<double>(count) / elapsed->processor;
  return answers;
}

Result<double> MeasureRecall(const Collection& collection, const VectorSet& set) {
  const size_t count = std::min(kExactQueries, set.query_count);
  auto truth = Ask(collection, set, count, true);
  if (!truth.ok()) return truth.status();
  auto found = Ask(collection, set, count, false);
  if (!found.ok()) return found.status();
  return RecallOf(found->hits, truth->hits);
}

Status MeasureIndex(const RunOptions& options, const VectorSet& set, const Collection& collection,
                    Report& report) {
  const size_t exact_count = std::min(kExactQueries, set.query_count);
  Rounds with;
  Rounds without;
  double recall = 0;
  for (size_t round = 0; round < options.rounds; ++round) {
    auto truth = Ask(collection, set, exact_count, true);
    if (!truth.ok()) return truth.status();
    auto found = Ask(collection, set, set.query_count, false);
    if (!found.ok()) return found.status();
    without.Add(truth->queries_per_cpu_s);
    with.Add(found->queries_per_cpu_s);
    recall = RecallOf(found->hits, truth->hits);
  }
  Value::Object results;
  results["rows"] = static_cast<int64_t>(set.rows);
  results["recall_asked"] = kRecall;
  results["recall"] = recall;
  results["queries_per_cpu_s_with"] = with.Summary();
  results["queries_per_cpu_s_without"] = without.Summary();
  results["times_without"] = with.Median() / without.Median();
  report.Add("ablation", "searches with the index and without", set.label, std::move(results));
  return Status::Ok();
}

// -- Adding rows

// Loads rows and brings the index up to date, and tells what that took.
Result<Elapsed> Add(Collection& collection, const VectorSet& set, size_t first, size_t count) {
  return TimeOnce([&] {
    auto source = OpenRows(set, fmt::format("added-{}-", first), first, count);
    if (!source.ok()) return source.status();
    if (auto loaded = collection.Load(**source); !loaded.ok()) return loaded.status();
    return collection.BuildIndex();
  });
}

// A new collection of the first rows of the set.
Result<std::shared_ptr<Collection>> MakeCollection(Engine& engine, const std::string& name,
                                                   const VectorSet& set) {
  return engine.CreateCollection(name, {.dim = set.dim, .metric = Metric::kL2, .fields = {}});
}

Status MeasureAdding(const VectorSet& set, Engine& engine, Report& report) {
  for (const size_t per_mille : kAddedPerMille) {
    const size_t added = std::max<size_t>(1, set.rows * per_mille / 1000);
    auto collection = MakeCollection(engine, "adding", set);
    if (!collection.ok()) return collection.status();
    auto whole = Add(**collection, set, 0, set.rows - added);
    if (!whole.ok()) return whole.status();
    auto more = Add(**collection, set, set.rows - added, added);
    if (!more.ok()) return more.status();
    Value::Object results;
    results["rows"] = static_cast<int64_t>(set.rows - added);
    results["added"] = static_cast<int64_t>(added);
    results["build_s"] = whole->wall;
    results["adding_s"] = more->wall;
    results["build_cpu_s"] = whole->processor;
    results["adding_cpu_s"] = more->processor;
    results["adding_to_build"] = more->wall / whole->wall;
    results["models_trained"] = static_cast<int64_t>((*collection)->Statistics().index_trainings);
    report.Add("ablation", fmt::format("{:g} % added", static_cast<double>(per_mille) / 10),
               set.label, std::move(results));
    collection->reset();
    if (Status status = engine.DropCollection("adding"); !status.ok()) return status;
  }
  return Status::Ok();
}

Status MeasureIncrements(const VectorSet& set, Engine& engine, Report& report) {
  const size_t added = std::max<size_t>(1, set.rows / 100);
  if (set.rows <= kIncrements * added) return Status::Ok();
  auto collection = MakeCollection(engine, "increments", set);
  if (!collection.ok()) return collection.status();
  size_t next = set.rows - kIncrements * added;
  auto whole = Add(**collection, set, 0, next);
  if (!whole.ok()) return whole.status();
  auto before = MeasureRecall(**collection, set);
  if (!before.ok()) return before.status();
  Rounds seconds;
  for (size_t i = 0; i < kIncrements; ++i, next += added) {
    auto more = Add(**collection, set, next, added);
    if (!more.ok()) return more.status();
    seconds.Add(more->wall);
  }
  auto after = MeasureRecall(**collection, set);
  if (!after.ok()) return after.status();
  Value::Object results;
  results["rows"] = static_cast<int64_t>(set.rows);
  results["increments"] = static_cast<int64_t>(kIncrements);
  results["recall_before"] = *before;
  results["recall_after"] = *after;
  results["build_s"] = whole->wall;
  results["adding_s"] = seconds.Summary();
  results["models_trained"] = static_cast<int64_t>((*collection)->Statistics().index_trainings);
  report.Add("ablation", "1 % added twenty times", set.label, std::move(results));
  return Status::Ok();
}

// -- A mix of operations, with what makes the engine fast and without

constexpr size_t kMixRowsMax = 100'000;
constexpr size_t kMixQueries = 200;
constexpr size_t kMixBatch = 1'000;
constexpr std::string_view kMixCollection = "mix";
constexpr int64_t kMixGroups = 100;

// Processor seconds of each operation.
using MixTimes = std::map<std::string, double>;

Status InsertForMix(Collection& collection, const VectorSet& set, size_t rows) {
  auto source = OpenRows(set, "", 0, rows);
  if (!source.ok()) return source.status();
  int64_t number = 0;
  while (true) {
    auto batch = (*source)->Next();
    if (!batch.ok()) return batch.status();
    if (batch->row_count() == 0) return Status::Ok();
    std::vector<Record> records;
    for (size_t i = 0; i < batch->row_count(); ++i) {
      Record& record = records.emplace_back();
      record.id = batch->ids[i];
      const auto vector = std::span(batch->vectors).subspan(i * set.dim, set.dim);
      record.vector.assign(vector.begin(), vector.end());
      record.metadata["group"] = Value(number++ % kMixGroups);
      if (records.size() < kMixBatch && i + 1 < batch->row_count()) continue;
      if (auto written = collection.Upsert(records); !written.ok()) return written.status();
      records.clear();
    }
  }
}

Status AskForMix(const Collection& collection, const VectorSet& set, const std::string& filter) {
  SearchOptions options = Asked(false);
  auto parsed = Filter::Parse(filter);
  if (!parsed.ok()) return parsed.status();
  options.filter = *parsed;
  for (size_t i = 0; i < kMixQueries; ++i) {
    if (auto hits = collection.Search(set.query(i), options); !hits.ok()) return hits.status();
  }
  return Status::Ok();
}

Result<MixTimes> TimeMix(const std::string& root, const VectorSet& set,
                         const EngineOptions& options) {
  const size_t rows = std::min(kMixRowsMax, set.rows);
  const std::string name(kMixCollection);
  MixTimes times;
  const auto time = [&times](const std::string& operation, const auto& work) {
    auto elapsed = TimeOnce(work);
    if (elapsed.ok()) times[operation] = elapsed->processor;
    return elapsed.status();
  };
  auto engine = OpenQuietEngine(root, options);
  if (!engine.ok()) return engine.status();
  auto created = engine->CreateCollection(
      name, {.dim = set.dim, .metric = Metric::kL2, .fields = {{"group", FieldType::kInt64}}});
  if (!created.ok()) return created.status();
  std::shared_ptr<Collection> collection = std::move(*created);
  const auto reopen = [&] {
    collection.reset();
    auto opened = engine->OpenCollection(name);
    if (!opened.ok()) return opened.status();
    collection = std::move(*opened);
    return collection->Search(set.query(0), Asked(false)).status();
  };
  const std::pair<std::string, std::function<Status()>> operations[] = {
      {"insert", [&] { return InsertForMix(*collection, set, rows); }},
      {"flush", [&] { return collection->Flush(); }},
      {"build index", [&] { return collection->BuildIndex(); }},
      {"search", [&] { return AskForMix(*collection, set, ""); }},
      {"filtered search", [&] { return AskForMix(*collection, set, "group = 7"); }},
      {"reopen", reopen},
      {"compact", [&] { return collection->Compact({.everything = true}).status(); }}};
  for (const auto& [operation, work] : operations) {
    if (Status status = time(operation, work); !status.ok()) return status;
  }
  collection.reset();
  if (Status status = engine->DropCollection(name); !status.ok()) return status;
  return times;
}

// Geometric mean over the operations of time without over time with. Building the index is a price
// of the one side: it is told, and not in the mean.
Status MeasureMixOfOperations(const RunOptions& options, const VectorSet& set,
                              const std::string& root, Report& report) {
  EngineOptions on = OneThread();
  EngineOptions off = OneThread();
  off.index_min_rows = std::numeric_limits<uint64_t>::max();
  off.adaptive_compression = false;
  std::map<std::string, std::pair<Rounds, Rounds>> rounds;
  for (size_t round = 0; round < options.rounds; ++round) {
    auto with = TimeMix(root, set, on);
    if (!with.ok()) return with.status();
    auto without = TimeMix(root, set, off);
    if (!without.ok()) return without.status();
    for (const auto& [operation, seconds] : *with) {
      rounds[operation].first.Add(seconds);
      rounds[operation].second.Add(without->at(operation));
    }
  }
  Value::Object results;
  double logarithms = 0;
  size_t operations = 0;
  for (const auto& [operation, both] : rounds) {
    const double times = both.second.Median() / both.first.Median();
    results[operation] = Value::Object{{"cpu_s_with", both.first.Summary()},
                                       {"cpu_s_without", both.second.Summary()},
                                       {"times", times}};
    if (operation == "build index") continue;
    logarithms += std::log(times);
    ++operations;
  }
  results["rows"] = static_cast<int64_t>(std::min(kMixRowsMax, set.rows));
  results["geometric_mean"] = std::exp(logarithms / static_cast<double>(operations));
  report.Add("ablation", "operations with index and adaptive compression, and without", set.label,
             std::move(results));
  return Status::Ok();
}

// -- Operations counted and timed, and not

constexpr size_t kCountedRowsMax = 100'000;
constexpr size_t kCountedPasses = 5;
// Inserts that wait for the disk, and that do not: of the latter counting costs the largest share.
constexpr size_t kDurableInserts = 2'000;
constexpr size_t kUnsyncedInserts = 20'000;

// Processor seconds.
struct CountedTimes {
  double searches = 0;
  double durable_inserts = 0;
  double unsynced_inserts = 0;
};

Result<double> TimeSearches(const Collection& collection, const VectorSet& set) {
  double seconds = 0;
  for (size_t i = 0; i <= kCountedPasses; ++i) {
    auto answers = Ask(collection, set, set.query_count, false);
    if (!answers.ok()) return answers.status();
    // The first pass brings the files into memory.
    if (i > 0) seconds += static_cast<double>(set.query_count) / answers->queries_per_cpu_s;
  }
  return seconds;
}

// Of single inserts. Their rows are gone afterwards.
Result<double> TimeInserts(Collection& collection, const VectorSet& set, size_t count) {
  std::vector<Record> records(count);
  std::vector<std::string> ids;
  for (size_t i = 0; i < records.size(); ++i) {
    records[i].id = fmt::format("single-{}", i);
    const auto vector = set.query(i);
    records[i].vector.assign(vector.begin(), vector.end());
    ids.push_back(records[i].id);
  }
  auto elapsed = TimeOnce([&] {
    for (const Record& record : records) {
      if (auto written = collection.Upsert(record); !written.ok()) return written.status();
    }
    return Status::Ok();
  });
  if (!elapsed.ok()) return elapsed.status();
  if (auto deleted = collection.Delete(ids); !deleted.ok()) return deleted.status();
  if (Status status = collection.Flush(); !status.ok()) return status;
  return elapsed->processor;
}

// Opens the collection anew, so that chance decides where its memory lies, and times it.
Result<CountedTimes> TimeCounted(const std::string& root, const VectorSet& set, bool is_counted) {
  CountedTimes times;
  for (const bool is_durable : {true, false}) {
    EngineOptions options = OneThread();
    options.operation_metrics = is_counted;
    options.background_flush = false;
    if (!is_durable) options.durability = Durability::kNone;
    auto engine = OpenQuietEngine(root, options);
    if (!engine.ok()) return engine.status();
    auto collection = engine->OpenCollection("counted");
    if (!collection.ok()) return collection.status();
    if (is_durable) {
      auto seconds = TimeSearches(**collection, set);
      if (!seconds.ok()) return seconds.status();
      times.searches = *seconds;
    }
    auto seconds = TimeInserts(**collection, set, is_durable ? kDurableInserts : kUnsyncedInserts);
    if (!seconds.ok()) return seconds.status();
    (is_durable ? times.durable_inserts : times.unsynced_inserts) = *seconds;
  }
  return times;
}

Status MeasureCounting(const RunOptions& options, const VectorSet& set, const std::string& root,
                       Report& report) {
  {
    auto engine = OpenQuietEngine(root, OneThread());
    if (!engine.ok()) return engine.status();
    auto collection = MakeCollection(*engine, "counted", set);
    if (!collection.ok()) return collection.status();
    auto built = Add(**collection, set, 0, std::min(kCountedRowsMax, set.rows));
    if (!built.ok()) return built.status();
  }
  // They take turns, in changing order, and the quotients are taken turn by turn.
  Rounds searches;
  Rounds durable;
  Rounds unsynced;
  for (size_t round = 0; round < 8 * options.rounds; ++round) {
    const bool counted_first = round % 2 == 0;
    auto first = TimeCounted(root, set, counted_first);
    if (!first.ok()) return first.status();
    auto second = TimeCounted(root, set, !counted_first);
    if (!second.ok()) return second.status();
    const CountedTimes& with = counted_first ? *first : *second;
    const CountedTimes& without = counted_first ? *second : *first;
    searches.Add(with.searches / without.searches);
    durable.Add(with.durable_inserts / without.durable_inserts);
    unsynced.Add(with.unsynced_inserts / without.unsynced_inserts);
  }
  Value::Object results;
  results["rows"] = static_cast<int64_t>(std::min(kCountedRowsMax, set.rows));
  results["search_overhead"] = searches.Median() - 1;
  results["insert_overhead"] = durable.Median() - 1;
  results["unsynced_insert_overhead"] = unsynced.Median() - 1;
  results["search_times_without"] = searches.Summary();
  results["insert_times_without"] = durable.Summary();
  results["unsynced_insert_times_without"] = unsynced.Summary();
  report.Add("ablation", "operations counted and not", set.label, std::move(results));
  return Status::Ok();
}

}  // namespace

Status RunAblation(const RunOptions& options, Report& report) {
  auto set = OpenOrMakeVectors(options);
  if (!set.ok()) return set.status();
  const std::string root = options.work_folder + "/ablation";
  if (Status status = MakeEmptyFolder(root); !status.ok()) return status;
  {
    auto engine = OpenQuietEngine(root, OneThread());
    if (!engine.ok()) return engine.status();
    {
      auto collection = LoadCollection(*engine, "index", *set, Metric::kL2);
      if (!collection.ok()) return collection.status();
      if (Status status = (*collection)->BuildIndex(); !status.ok()) return status;
      if (Status status = MeasureIndex(options, *set, **collection, report); !status.ok()) {
        return status;
      }
    }
    if (Status status = engine->DropCollection("index"); !status.ok()) return status;
    if (Status status = MeasureAdding(*set, *engine, report); !status.ok()) return status;
    if (Status status = MeasureIncrements(*set, *engine, report); !status.ok()) return status;
  }
  if (Status status = MeasureCounting(options, *set, root + "/counted", report); !status.ok()) {
    return status;
  }
  if (Status status = MeasureMixOfOperations(options, *set, root + "/mix", report); !status.ok()) {
    return status;
  }
  return MakeEmptyFolder(root);
}

}  // namespace viper::bench
