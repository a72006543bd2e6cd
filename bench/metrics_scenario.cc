// What counting and timing every call costs: the same calls on two collections that differ in
// EngineOptions::operation_metrics alone, in turns. The calls are the shortest that there are, so
// that the cost shows at its largest: searches through the index, reads by id, and inserts of one
// row whose log is not synced.

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "environment.h"
#include "scenario.h"
#include "vector_set.h"

namespace viper::bench {

namespace {

constexpr size_t kTableRowsMax = 100'000;
constexpr size_t kCallsPerRound = 2'000;

// One of the two.
struct Contender {
  std::string label;
  std::unique_ptr<Engine> engine;
  std::shared_ptr<Collection> collection;
  size_t inserted = 0;
};

using Call = std::function<Status(Contender&, size_t)>;

Result<Contender> Open(const std::string& root, const VectorSet& table, bool counts) {
  EngineOptions options;
  options.operation_metrics = counts;
  options.durability = Durability::kNone;
  options.background_flush = false;
  options.background_compaction = false;
  options.search_threads = 1;
  options.audit_share = 0;
  Contender contender;
  contender.label = counts ? "counted" : "not counted";
  auto engine = OpenQuietEngine(root, options);
  if (!engine.ok()) return engine.status();
  contender.engine = std::make_unique<Engine>(std::move(*engine));
  auto collection = LoadCollection(*contender.engine, "metrics", table, Metric::kL2);
  if (!collection.ok()) return collection.status();
  contender.collection = std::move(*collection);
  if (Status status = contender.collection->BuildIndex(); !status.ok()) return status;
  return contender;
}

Status MeasureCall(const RunOptions& options, const std::string& name, const VectorSet& table,
                   std::array<Contender, 2>& contenders, const Call& call, Report& report) {
  std::array<Rounds, 2> us;
  Rounds ratio;
  for (size_t round = 0; round < options.rounds; ++round) {
    std::array<double, 2> taken = {};
    for (size_t turn = 0; turn < 2; ++turn) {
      // The one that begins changes, so that what the first finds cold is shared.
      const size_t i = (round + turn) % 2;
      auto elapsed = TimeOnce([&]() -> Status {
        for (size_t number = 0; number < kCallsPerRound; ++number) {
          if (Status status = call(contenders[i], number); !status.ok()) return status;
        }
        return Status::Ok();
      });
      if (!elapsed.ok()) return elapsed.status();
      taken[i] = elapsed->processor / static_cast<double>(kCallsPerRound) * 1e6;
      us[i].Add(taken[i]);
    }
    ratio.Add(taken[1] / taken[0]);
  }
  for (size_t i = 0; i < 2; ++i) {
    Value::Object results;
    results["table_rows"] = static_cast<int64_t>(table.rows);
    results["us_per_call"] = us[i].Summary();
    if (i == 1) results["times_without"] = ratio.Summary();
    report.Add("metrics", name + ", " + contenders[i].label, table.label, std::move(results));
  }
  return Status::Ok();
}

Status MeasureCalls(const RunOptions& options, const VectorSet& table,
                    std::array<Contender, 2>& contenders, Report& report) {
  SearchOptions search_options;
  search_options.projection.metadata = false;
  const Call search = [&](Contender& contender, size_t number) {
    return contender.collection->Search(table.query(number), search_options).status();
  };
  std::vector<std::string> ids;
  auto page = contenders[0].collection->Scroll(
      {.limit = 1'000, .projection = {.vector = false, .metadata = false}});
  if (!page.ok()) return page.status();
  for (const Record& record : page->records) ids.push_back(record.id);
  const Projection nothing = {.vector = false, .metadata = false};
  const Call get = [&](Contender& contender, size_t number) {
    return contender.collection->Get(ids[number % ids.size()], nothing).status();
  };
  Record record;
  const Call insert = [&](Contender& contender, size_t number) {
    record.id = fmt::format("new-{}", contender.inserted++);
    const auto query = table.query(number);
    record.vector.assign(query.begin(), query.end());
    return contender.collection->Upsert(record).status();
  };
  for (const auto& [name, call] :
       {std::pair<std::string, Call>{"search", search}, {"get", get}, {"insert", insert}}) {
    Status measured = MeasureCall(options, name, table, contenders, call, report);
    if (!measured.ok()) return measured;
  }
  return Status::Ok();
}

}  // namespace

Status RunMetrics(const RunOptions& options, Report& report) {
  auto set = OpenOrMakeVectors(options);
  if (!set.ok()) return set.status();
  VectorSet table = std::move(*set);
  table.rows = std::min(table.rows, kTableRowsMax);
  const std::string root = options.work_folder + "/metrics";
  if (Status status = MakeEmptyFolder(root); !status.ok()) return status;
  {
    auto without = Open(root + "/without", table, false);
    if (!without.ok()) return without.status();
    auto with = Open(root + "/with", table, true);
    if (!with.ok()) return with.status();
    std::array<Contender, 2> contenders = {std::move(*without), std::move(*with)};
    Status measured = MeasureCalls(options, table, contenders, report);
    if (!measured.ok()) return measured;
  }
  return MakeEmptyFolder(root);
}

}  // namespace viper::bench
