// viper bench: what searches of a collection cost and find.
//
// 1. Queries are read from a file, or are sampled records. A sampled record is left out of its own
//    answers: one hit more is asked for, and the record itself is dropped from it.
// 2. Exact answers give the distance that the k-th true neighbour has, for each query.
// 3. For each recall asked for, a pass over some queries that is not timed, then one over all, one
//    query a call. A hit is right if its distance is not above that of the k-th true neighbour, so
//    that one of several equal records may stand for another.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "collection_argument.h"
#include "commands.h"
#include "number_text.h"
#include "query_source.h"
#include "sampled_records.h"
#include "session.h"
#include "status_macros.h"
#include "table.h"
#include "terminal.h"
#include "viper/engine.h"
#include "viper/filter.h"
#include "viper/options.h"
#include "viper/record.h"
#include "viper/result.h"
#include "viper/snapshot.h"
#include "viper/status.h"

namespace viper::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kWarmQueries = 100;
// Distances of one pair of vectors may differ in the last digits.
constexpr double kTieRelative = 1e-6;
constexpr double kTieAbsolute = 1e-12;

struct Arguments {
  std::string name;
  std::string queries;
  size_t sample = 500;
  size_t k = 10;
  std::vector<double> recalls = {0.9, 0.95, 0.99};
  std::string filter;
  bool json = false;
};

struct Query {
  // The sampled record, which is no answer to itself; empty for a query from a file.
  std::string id;
  std::vector<float> vector;
};

// One line of the report.
struct Measurement {
  std::optional<double> asked;    // none: exact
  std::optional<double> reached;  // none if no query has an answer
  size_t queries = 0;
  size_t neighbours = 0;        // true ones of all queries: k of each, or as many as there are
  size_t short_queries = 0;     // got fewer hits than there are
  std::vector<double> seconds;  // of each call, ascending

  double Percentile(double share) const {
    return seconds[static_cast<size_t>(share * static_cast<double>(seconds.size() - 1))];
  }
  double Rate() const {
    const double total = std::accumulate(seconds.begin(), seconds.end(), 0.0);
    return total > 0 ? static_cast<double>(seconds.size()) / total : 0;
  }
};

Result<std::vector<Query>> ReadQueries(const Arguments& arguments, const Collection& collection,
                                       const Snapshot& snapshot) {
  std::vector<Query> queries;
  if (arguments.queries.empty()) {
    VIPER_ASSIGN_OR_RETURN(std::vector<std::string> ids, SampleIds(snapshot, arguments.sample));
    for (std::string& id : ids) {
      VIPER_ASSIGN_OR_RETURN(Record record,
                             snapshot.Get(id, {.vector = true, .metadata = false, .fields = {}}));
      queries.push_back({std::move(id), std::move(record.vector)});
    }
  } else {
    QueryArguments file;
    file.file = arguments.queries;
    VIPER_ASSIGN_OR_RETURN(const auto source, OpenQueries(file, collection, snapshot));
    const size_t dim = collection.dim();
    while (true) {
      VIPER_ASSIGN_OR_RETURN(const QueryBlock block, source->Next());
      if (block.labels.empty()) break;
      for (auto begin = block.floats.begin(); begin != block.floats.end();
           begin += static_cast<ptrdiff_t>(dim)) {
        queries.push_back({{}, {begin, begin + static_cast<ptrdiff_t>(dim)}});
      }
    }
  }
  if (queries.empty()) {
    return Status::InvalidArgument(
        fmt::format("no queries to measure with: collection={} records={} file={}", arguments.name,
                    CountOrUnknown(collection.Statistics().live_rows), arguments.queries));
  }
  return queries;
}

class Bench {
 public:
  Bench(const Snapshot& snapshot, std::vector<Query> queries, SearchOptions options, size_t k)
      : snapshot_(snapshot), queries_(std::move(queries)), options_(std::move(options)), k_(k) {}

  // Must be the first: the others are compared with its answers.
  Result<Measurement> MeasureExact() {
    options_.exact = true;
    return Measure(std::nullopt);
  }

  Result<Measurement> MeasureRecall(double recall) {
    options_.exact = false;
    options_.recall = recall;
    return Measure(recall);
  }

 private:
  Result<Measurement> Measure(std::optional<double> asked) {
    for (const Query& query : std::span(queries_).first(std::min(kWarmQueries, queries_.size()))) {
      VIPER_RETURN_IF_ERROR(Distances(query, nullptr).status());
    }
    Measurement measured;
    measured.asked = asked;
    measured.queries = queries_.size();
    double found = 0;
    size_t answerable = 0;
    for (size_t i = 0; i < queries_.size(); ++i) {
      double seconds = 0;
      VIPER_ASSIGN_OR_RETURN(const std::vector<double> distances, Distances(queries_[i], &seconds));
      measured.seconds.push_back(seconds);
      if (!asked.has_value()) truth_.push_back(distances);
      const std::vector<double>& truth = truth_[i];
      if (truth.empty()) continue;
      ++answerable;
      measured.neighbours += truth.size();
      found +=
          static_cast<double>(CountRight(distances, truth)) / static_cast<double>(truth.size());
      if (distances.size() < truth.size()) ++measured.short_queries;
    }
    if (answerable > 0) measured.reached = found / static_cast<double>(answerable);
    std::sort(measured.seconds.begin(), measured.seconds.end());
    return measured;
  }

  // Distances of the hits, ascending, at most k; `seconds` is that of the call alone.
  Result<std::vector<double>> Distances(const Query& query, double* seconds) {
    options_.k = k_ + (query.id.empty() ? 0 : 1);
    const auto begin = Clock::now();
    VIPER_ASSIGN_OR_RETURN(const Hits hits, snapshot_.Search(query.vector, options_));
    if (seconds != nullptr) *seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    std::vector<double> distances;
    for (const Hit& hit : hits) {
      if (query.id.empty() || hit.id != query.id) distances.push_back(hit.distance);
    }
    distances.resize(std::min(distances.size(), k_));
    return distances;
  }

  static size_t CountRight(const std::vector<double>& distances, const std::vector<double>& truth) {
    const double limit = truth.back() + std::abs(truth.back()) * kTieRelative + kTieAbsolute;
    return static_cast<size_t>(
        std::count_if(distances.begin(), distances.end(), [&](double d) { return d <= limit; }));
  }

  const Snapshot& snapshot_;
  const std::vector<Query> queries_;
  SearchOptions options_;
  const size_t k_;
  std::vector<std::vector<double>> truth_;
};

void PrintJson(const Measurement& line, size_t k) {
  const auto number = [](std::optional<double> value) {
    return value.has_value() ? Value(*value).ToJson() : "null";
  };
  fmt::print(
      "{{\"recall_asked\":{},\"exact\":{},\"recall\":{},\"k\":{},\"queries\":{},\"neighbours\":{},"
      "\"short\":{},"
      "\"queries_per_s\":{},\"p50_s\":{},\"p95_s\":{},\"p99_s\":{}}}\n",
      number(line.asked), !line.asked.has_value(), number(line.reached), k, line.queries,
      line.neighbours, line.short_queries, number(line.Rate()), number(line.Percentile(0.5)),
      number(line.Percentile(0.95)), number(line.Percentile(0.99)));
}

void PrintTable(const std::vector<Measurement>& lines) {
  using enum Table::Align;
  Table table({{"recall asked", kRight},
               {"recall", kRight},
               {"queries/s", kRight},
               {"p50", kRight},
               {"p95", kRight},
               {"p99", kRight},
               {"short of k", kRight}});
  for (const Measurement& line : lines) {
    table.AddRow({line.asked.has_value() ? fmt::format("{}", *line.asked) : "exact",
                  line.reached.has_value() ? fmt::format("{:.4f}", *line.reached) : "-",
                  fmt::format("{:.1f}", line.Rate()), SecondsText(line.Percentile(0.5)),
                  SecondsText(line.Percentile(0.95)), SecondsText(line.Percentile(0.99)),
                  CountText(line.short_queries)});
  }
  fmt::print("{}", table.Render(TerminalWidth()));
}

Status Run(const Session& session, const Arguments& arguments) {
  if (arguments.k == 0) return Status::InvalidArgument("k must be at least 1: k=0");
  SearchOptions options;
  options.projection = {.vector = false, .metadata = false, .fields = {}};
  VIPER_ASSIGN_OR_RETURN(options.filter, Filter::Parse(arguments.filter));
  VIPER_ASSIGN_OR_RETURN(const OpenedCollection opened,
                         OpenCollection(session, arguments.name, Access::kRead));
  const Snapshot snapshot = opened->GetSnapshot();
  VIPER_ASSIGN_OR_RETURN(std::vector<Query> queries,
                         ReadQueries(arguments, *opened.collection, snapshot));
  if (!arguments.json) {
    fmt::print("{} queries, {}, k={}, one query a call\n", CountText(queries.size()),
               arguments.queries.empty() ? "sampled records (each left out of its own answers)"
                                         : "from " + Printable(arguments.queries),
               arguments.k);
    std::fflush(stdout);
  }
  Bench bench(snapshot, std::move(queries), std::move(options), arguments.k);
  std::vector<Measurement> lines;
  VIPER_ASSIGN_OR_RETURN(Measurement exact, bench.MeasureExact());
  for (const double recall : arguments.recalls) {
    VIPER_ASSIGN_OR_RETURN(Measurement line, bench.MeasureRecall(recall));
    lines.push_back(std::move(line));
  }
  lines.push_back(std::move(exact));
  if (arguments.json) {
    for (const Measurement& line : lines) PrintJson(line, arguments.k);
  } else {
    PrintTable(lines);
  }
  return Status::Ok();
}

}  // namespace

void AddBenchCommand(Command& program, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  Command command =
      program.AddCommand("bench", "Measure how fast and how complete searches of a collection are");
  AddCollection(command, arguments->name);
  command.AddOption("--queries", arguments->queries,
                    "Vectors of a file (npy, fvecs, jsonl, parquet, ...)");
  command.AddOptionWithDefault(
      "--sample", arguments->sample,
      "Without --queries: so many records, each left out of its own answers");
  command.AddOptionWithDefault("-k,--k", arguments->k, "Hits of each query");
  command.AddCommaSeparated("--recall", arguments->recalls,
                            "Recalls to ask for, comma separated, each above 0 and below 1");
  AddFilter(command, arguments->filter);
  command.AddFlag("--json", arguments->json,
                  "Print one JSON object for each recall asked for, and one for exact search");
  AddExample(
      command,
      "  viper bench films --sample 1000 --recall 0.95,0.99\n"
      "  viper --threads 1 bench photos --queries queries.fvecs --filter 'year >= 1990' --json\n"
      "\n"
      "Recall is the share of the true nearest that were found, by distance: compared with\n"
      "exact search, which is measured, too.");
  command.OnChosen([arguments, &session] {
    session.run = [arguments, &session] { return Run(session, *arguments); };
  });
}

}  // namespace viper::cli
