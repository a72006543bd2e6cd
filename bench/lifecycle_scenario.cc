// What years of use do to a collection, in little: a steady mix of searches, replacements and
// deletes; half of all rows overwritten, then compacted; many rows deleted. Each is measured beside
// the same collection fresh from its load: the ratios are the result.

#include <fmt/core.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "environment.h"
#include "scenario.h"
#include "vector_set.h"

namespace viper::bench {

namespace {

constexpr double kRecall = 0.95;
constexpr size_t kTailPercent = 99;
// Of the operations of the mix; the others are searches.
constexpr uint64_t kUpsertPercent = 25;
constexpr uint64_t kDeletePercent = 5;
// The mix is cut into so many stretches of time.
constexpr size_t kStretches = 10;
constexpr size_t kIdleQueries = 2'000;
constexpr size_t kWriteBatch = 10'000;
constexpr uint64_t kSeed = 42;
// Of the mix.
constexpr uint64_t kMemoryLimit = uint64_t{512} << 20;

// A linear congruential generator (Knuth's MMIX constants), whose high bits are good enough here.
class Dice {
 public:
  uint64_t Below(uint64_t count) {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state_ >> 33) % count;
  }

 private:
  uint64_t state_ = kSeed;
};

double Percentile(std::vector<double> values, size_t percent) {
  if (values.empty()) return 0;
  const size_t place = std::min(values.size() - 1, values.size() * percent / 100);
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(place), values.end());
  return values[place];
}

SearchOptions Asked() {
  SearchOptions options;
  options.recall = kRecall;
  options.projection.metadata = false;
  return options;
}

// Vectors of the set at random places, to write in place of others.
class RowReader {
 public:
  explicit RowReader(const VectorSet& set)
      : file_(set.base_path, std::ios::binary), dim_(set.dim) {}

  Record Read(size_t row, std::string id) {
    Record record;
    record.id = std::move(id);
    record.vector.resize(dim_);
    const size_t row_bytes = sizeof(int32_t) + dim_ * sizeof(float);
    file_.seekg(static_cast<std::streamoff>(row * row_bytes + sizeof(int32_t)));
    file_.read(reinterpret_cast<char*>(record.vector.data()),
               static_cast<std::streamsize>(dim_ * sizeof(float)));
    return record;
  }

 private:
  std::ifstream file_;
  size_t dim_;
};

struct SearchTimes {
  double queries_per_cpu_s = 0;
  double p50_us = 0;
  double p99_us = 0;
};

Result<SearchTimes> AskMany(Collection& collection, const VectorSet& set) {
  std::vector<double> us;
  double processor = 0;
  // The first pass finds out which rows are alive, and warms what is read.
  for (size_t i = 0; i < 2 * kIdleQueries; ++i) {
    auto elapsed = TimeOnce([&] { return collection.Search(set.query(i), Asked()).status(); });
    if (!elapsed.ok()) return elapsed.status();
    if (i < kIdleQueries) continue;
    us.push_back(elapsed->wall * 1e6);
    processor += elapsed->processor;
  }
  return SearchTimes{static_cast<double>(us.size()) / processor, Percentile(us, 50),
                     Percentile(us, kTailPercent)};
}

// Bytes a second of the file operations that a compaction cannot do without: read all, write all,
// sync.
Result<double> CopySpeed(const std::string& from, const std::string& to) {
  const std::string command =
      fmt::format("cat '{}'/part-*.parquet > '{}' && sync '{}'", from, to, to);
  auto elapsed = TimeOnce([&] {
    return std::system(command.c_str()) == 0 ? Status::Ok() : Status::IoError("copy failed");
  });
  if (!elapsed.ok()) return elapsed.status();
  auto bytes = FileSystem::Local().FileSize(to);
  if (!bytes.ok()) return bytes.status();
  return static_cast<double>(*bytes) / elapsed->wall;
}

// One collection of the set, loaded and indexed anew for each part of the scenario.
class Lifetime {
 public:
  static Result<Lifetime> Begin(const RunOptions& options, const VectorSet& set,
                                EngineOptions engine_options,
                                const std::string& folder = "/lifecycle") {
    Lifetime life;
    life.root_ = options.work_folder + folder;
    if (Status status = MakeEmptyFolder(life.root_); !status.ok()) return status;
    engine_options.search_threads = 1;
    auto engine = Engine::Open(life.root_, engine_options);
    if (!engine.ok()) return engine.status();
    life.engine_ = std::make_unique<Engine>(std::move(*engine));
    auto collection = LoadCollection(*life.engine_, "lifecycle", set, Metric::kL2);
    if (!collection.ok()) return collection.status();
    life.collection_ = std::move(*collection);
    // Nothing is left to do in the background, which would be measured along with the first
    // searches.
    if (auto settled = life.collection_->Compact({}); !settled.ok()) return settled.status();
    if (auto vacuumed = life.collection_->Vacuum({.retention_ms = 0}); !vacuumed.ok()) {
      return vacuumed.status();
    }
    if (Status status = life.collection_->BuildIndex(); !status.ok()) return status;
    auto fresh = AskMany(*life.collection_, set);
    if (!fresh.ok()) return fresh.status();
    life.fresh_ = *fresh;
    auto bytes = life.TableBytes();
    if (!bytes.ok()) return bytes.status();
    life.fresh_bytes_ = *bytes;
    return life;
  }

  Collection& collection() { return *collection_; }
  const SearchTimes& fresh() const { return fresh_; }
  double fresh_bytes() const { return fresh_bytes_; }
  std::string directory() const { return root_ + "/lifecycle"; }
  // Of everything but the log, whose files are preallocated.
  Result<double> TableBytes() const {
    auto all = BytesBelow(directory());
    if (!all.ok()) return all.status();
    auto log = BytesBelow(directory(), "_viper/wal");
    if (!log.ok()) return log.status();
    return static_cast<double>(*all - *log);
  }

 private:
  std::string root_;
  std::unique_ptr<Engine> engine_;
  std::shared_ptr<Collection> collection_;
  SearchTimes fresh_;
  double fresh_bytes_ = 0;
};

// The same collection as it is after its load, beside the one that is used: what it is asked at the
// same time tells how fast the machine is just then.
Result<Lifetime> BeginFresh(const RunOptions& options, const VectorSet& set) {
  EngineOptions engine_options;
  engine_options.background_compaction = false;
  engine_options.background_index = false;
  return Lifetime::Begin(options, set, engine_options, "/fresh");
}

// Queries per processor second of a used collection over those of a fresh one, which take turns.
Result<Rounds> QueriesToFresh(const RunOptions& options, const VectorSet& set, Lifetime& used,
                              Lifetime& fresh) {
  Rounds ratios;
  for (size_t round = 0; round < options.rounds; ++round) {
    auto before = AskMany(fresh.collection(), set);
    if (!before.ok()) return before.status();
    auto own = AskMany(used.collection(), set);
    if (!own.ok()) return own.status();
    auto after = AskMany(fresh.collection(), set);
    if (!after.ok()) return after.status();
    ratios.Add(2 * own->queries_per_cpu_s / (before->queries_per_cpu_s + after->queries_per_cpu_s));
  }
  return ratios;
}

Status Merge(Collection& collection) {
  if (Status status = collection.Flush(); !status.ok()) return status;
  auto compacted = collection.Compact({.everything = true});
  if (!compacted.ok()) return compacted.status();
  if (auto vacuumed = collection.Vacuum({.retention_ms = 0}); !vacuumed.ok()) {
    return vacuumed.status();
  }
  return collection.BuildIndex();
}

// -- A steady mix
// ----------------------------------------------------------------------------------

// What one stretch of the mix was like.
struct Stretch {
  uint64_t operations = 0;
  std::vector<double> search_us;
  // At its end: of the mix, and of the fresh collection beside it.
  CollectionStatistics statistics;
  double fresh_p50_us = 0;
};

struct Mix {
  std::vector<Stretch> stretches = std::vector<Stretch>(kStretches);
  double anonymous_mib_max = 0;
  double table_bytes_max = 0;
  uint64_t parts_max = 0;
};

Status DoOne(const VectorSet& set, Dice& dice, RowReader& rows, Collection& collection,
             Stretch& stretch) {
  ++stretch.operations;
  const uint64_t choice = dice.Below(100);
  const std::string id = std::to_string(dice.Below(set.rows));
  if (choice < kUpsertPercent) {
    return collection.Upsert(rows.Read(dice.Below(set.rows), id)).status();
  }
  if (choice < kUpsertPercent + kDeletePercent) {
    return collection.Delete(std::vector<std::string>{id}).status();
  }
  auto elapsed = TimeOnce(
      [&] { return collection.Search(set.query(dice.Below(set.query_count)), Asked()).status(); });
  if (!elapsed.ok()) return elapsed.status();
  stretch.search_us.push_back(elapsed->wall * 1e6);
  return Status::Ok();
}

Status NoteSizes(const Lifetime& life, const Collection& collection, Mix& mix) {
  auto anonymous = ProcessMemory("RssAnon:");
  if (!anonymous.ok()) return anonymous.status();
  auto bytes = life.TableBytes();
  // Files come and go while they are counted.
  if (bytes.ok()) mix.table_bytes_max = std::max(mix.table_bytes_max, *bytes);
  mix.anonymous_mib_max =
      std::max(mix.anonymous_mib_max, static_cast<double>(*anonymous) / (1 << 20));
  mix.parts_max = std::max(mix.parts_max, collection.Statistics().part_count);
  return Status::Ok();
}

// One number of each stretch, in order.
template <typename Number>
Value OfStretches(const Mix& mix, const Number& number) {
  Value::List numbers;
  for (const Stretch& stretch : mix.stretches) numbers.push_back(Value(number(stretch)));
  return Value(std::move(numbers));
}

Status MeasureMix(const RunOptions& options, const VectorSet& set, Report& report) {
  EngineOptions engine_options;
  engine_options.retention_ms = 1'000;
  engine_options.memory_limit = kMemoryLimit;
  auto life = Lifetime::Begin(options, set, engine_options);
  if (!life.ok()) return life.status();
  auto fresh = BeginFresh(options, set);
  if (!fresh.ok()) return fresh.status();
  Dice dice;
  RowReader rows(set);
  Mix mix;
  double begin = MonotonicSeconds();
  const double length = static_cast<double>(options.lifecycle_seconds);
  size_t stretch = 0;
  while (stretch < kStretches) {
    if (Status status = DoOne(set, dice, rows, life->collection(), mix.stretches[stretch]);
        !status.ok()) {
      return status;
    }
    const auto now = static_cast<size_t>((MonotonicSeconds() - begin) / length *
                                         static_cast<double>(kStretches));
    if (now == stretch) continue;
    mix.stretches[stretch].statistics = life->collection().Statistics();
    // Its time does not count as the mix's.
    const double pause = MonotonicSeconds();
    auto asked = AskMany(fresh->collection(), set);
    if (!asked.ok()) return asked.status();
    mix.stretches[stretch].fresh_p50_us = asked->p50_us;
    begin += MonotonicSeconds() - pause;
    stretch = now;
    if (Status status = NoteSizes(*life, life->collection(), mix); !status.ok()) return status;
  }
  const CollectionStatistics statistics = life->collection().Statistics();
  std::vector<double> search_us;
  uint64_t operations = 0;
  for (const Stretch& one : mix.stretches) {
    search_us.insert(search_us.end(), one.search_us.begin(), one.search_us.end());
    operations += one.operations;
  }
  Value::Object results;
  results["rows"] = static_cast<int64_t>(set.rows);
  results["seconds"] = length;
  results["searches"] = static_cast<int64_t>(search_us.size());
  results["fresh_p99_us"] = life->fresh().p99_us;
  results["p50_us"] = Percentile(search_us, 50);
  results["p99_us"] = Percentile(search_us, kTailPercent);
  results["p99_times_fresh"] = Percentile(search_us, kTailPercent) / life->fresh().p99_us;
  results["last_to_first_stretch"] =
      static_cast<double>(mix.stretches.back().operations) /
      static_cast<double>(std::max<uint64_t>(1, mix.stretches.front().operations));
  // As if the machine had been as fast in the last stretch as in the first.
  results["last_to_first_stretch_at_equal_speed"] = *results["last_to_first_stretch"].as_float64() *
                                                    mix.stretches.back().fresh_p50_us /
                                                    mix.stretches.front().fresh_p50_us;
  results["operations_per_s"] = static_cast<double>(operations) / length;
  results["operations_of_stretches"] =
      OfStretches(mix, [](const Stretch& one) { return static_cast<int64_t>(one.operations); });
  results["p50_us_of_stretches"] =
      OfStretches(mix, [](const Stretch& one) { return Percentile(one.search_us, 50); });
  results["fresh_p50_us_of_stretches"] =
      OfStretches(mix, [](const Stretch& one) { return one.fresh_p50_us; });
  results["index_segments_of_stretches"] = OfStretches(
      mix, [](const Stretch& one) { return static_cast<int64_t>(one.statistics.index_segments); });
  results["anonymous_mib_max"] = mix.anonymous_mib_max;
  results["memory_limit_mib"] = static_cast<int64_t>(kMemoryLimit >> 20);
  results["table_bytes_max_times_fresh"] = mix.table_bytes_max / life->fresh_bytes();
  results["parts_max"] = static_cast<int64_t>(mix.parts_max);
  results["flushes"] = static_cast<int64_t>(statistics.flushes);
  results["compactions"] = static_cast<int64_t>(statistics.compactions);
  report.Add("lifecycle", "70 % search, 25 % upsert, 5 % delete", set.label, std::move(results));
  return Status::Ok();
}

// -- Half of all rows overwritten
// ------------------------------------------------------------------

// Every second row gets the vector of another, so that the vectors as a whole stay what they are:
// what searches take then is a matter of how they lie.
Status OverwriteHalf(const VectorSet& set, Collection& collection) {
  const size_t rows_even = set.rows / 2 * 2;
  const size_t step = set.rows / 4 * 2;
  RowReader rows(set);
  std::vector<Record> records;
  for (size_t i = 0; i < rows_even; i += 2) {
    records.push_back(rows.Read((i + step) % rows_even, std::to_string(i)));
    if (records.size() < kWriteBatch && i + 2 < rows_even) continue;
    if (auto written = collection.Upsert(records); !written.ok()) return written.status();
    records.clear();
  }
  return collection.Flush();
}

Status MeasureOverwriting(const RunOptions& options, const VectorSet& set, Report& report) {
  EngineOptions engine_options;
  engine_options.background_compaction = false;
  engine_options.background_index = false;
  engine_options.compaction_threads = std::max(1u, std::thread::hardware_concurrency());
  auto life = Lifetime::Begin(options, set, engine_options);
  if (!life.ok()) return life.status();
  Collection& collection = life->collection();
  if (Status status = OverwriteHalf(set, collection); !status.ok()) return status;
  // Before and after: memory that a virtual machine gets from its host first, or that it has to
  // clear of other files, makes writing several times slower, whoever writes.
  auto copied_before = CopySpeed(life->directory(), options.work_folder + "/copied_before");
  if (!copied_before.ok()) return copied_before.status();
  Result<CompactionReport> compacted = CompactionReport();
  auto elapsed = TimeOnce([&] {
    compacted = collection.Compact({.everything = true});
    return compacted.status();
  });
  if (!elapsed.ok()) return elapsed.status();
  const double seconds = elapsed->wall;
  uint64_t read_bytes = 0;
  for (const CompactionStep& step : compacted->steps) read_bytes += step.bytes_before;
  auto copied_after = CopySpeed(life->directory(), options.work_folder + "/copied_after");
  if (!copied_after.ok()) return copied_after.status();
  if (Status status = Merge(collection); !status.ok()) return status;
  auto bytes = life->TableBytes();
  if (!bytes.ok()) return bytes.status();
  auto fresh = BeginFresh(options, set);
  if (!fresh.ok()) return fresh.status();
  auto queries = QueriesToFresh(options, set, *life, *fresh);
  if (!queries.ok()) return queries.status();
  Value::Object results;
  results["rows"] = static_cast<int64_t>(set.rows);
  results["bytes_to_fresh"] = *bytes / life->fresh_bytes();
  results["queries_to_fresh"] = queries->Median();
  results["queries_to_fresh_rounds"] = queries->Summary();
  results["compaction_s"] = seconds;
  results["compaction_processor_s"] = elapsed->processor;
  results["compaction_threads"] = static_cast<int64_t>(engine_options.compaction_threads);
  results["compaction_steps"] = static_cast<int64_t>(compacted->steps.size());
  const double speed = static_cast<double>(read_bytes) / std::max(seconds, 1e-9);
  results["compaction_bytes_per_s"] = speed;
  results["copy_bytes_per_s_before"] = *copied_before;
  results["copy_bytes_per_s_after"] = *copied_after;
  results["compaction_to_copy_speed"] = 2 * speed / (*copied_before + *copied_after);
  results["predicted_bytes_to_measured"] = [&] {
    double predicted = 0;
    double measured = 0;
    for (const CompactionStep& step : compacted->steps) {
      predicted += static_cast<double>(step.predicted_bytes);
      measured += static_cast<double>(step.bytes_after);
    }
    return predicted / std::max(measured, 1.0);
  }();
  report.Add("lifecycle", "half overwritten, compacted", set.label, std::move(results));
  return Status::Ok();
}

// -- Many rows deleted
// -----------------------------------------------------------------------------

Status MeasureDeleting(const RunOptions& options, const VectorSet& set, Report& report) {
  constexpr size_t kDeletedOfTen = 3;
  EngineOptions engine_options;
  engine_options.background_compaction = false;
  engine_options.background_index = false;
  engine_options.delete_mode = DeleteMode::kVectors;
  auto life = Lifetime::Begin(options, set, engine_options);
  if (!life.ok()) return life.status();
  Collection& collection = life->collection();
  std::vector<std::string> ids;
  for (size_t i = 0; i < set.rows; ++i) {
    if (i % 10 < kDeletedOfTen) ids.push_back(std::to_string(i));
  }
  if (auto deleted = collection.Delete(ids); !deleted.ok()) return deleted.status();
  auto flush = TimeOnce([&] { return collection.Flush(); });
  if (!flush.ok()) return flush.status();
  auto fresh = BeginFresh(options, set);
  if (!fresh.ok()) return fresh.status();
  auto queries = QueriesToFresh(options, set, *life, *fresh);
  if (!queries.ok()) return queries.status();
  Value::Object results;
  results["rows"] = static_cast<int64_t>(set.rows);
  results["deleted"] = static_cast<int64_t>(ids.size());
  results["flush_s"] = flush->wall;
  results["queries_to_fresh"] = queries->Median();
  results["queries_to_fresh_rounds"] = queries->Summary();
  report.Add("lifecycle", "30 % deleted, in deletion vectors", set.label, std::move(results));
  return Status::Ok();
}

}  // namespace

Status RunLifecycle(const RunOptions& options, Report& report) {
  auto set = OpenOrMakeVectors(options);
  if (!set.ok()) return set.status();
  for (const auto measure : {MeasureDeleting, MeasureOverwriting, MeasureMix}) {
    if (Status status = measure(options, *set, report); !status.ok()) return status;
  }
  for (const char* folder : {"/lifecycle", "/fresh"}) {
    if (Status status = MakeEmptyFolder(options.work_folder + folder); !status.ok()) return status;
  }
  return Status::Ok();
}

}  // namespace viper::bench
