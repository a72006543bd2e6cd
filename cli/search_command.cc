#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
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
#include "record_json.h"
#include "status_macros.h"
#include "table.h"
#include "terminal.h"

namespace viper::cli {
namespace {

/// In seconds.
constexpr double kTimeoutMax = 1e9;

struct Arguments {
  std::string name;
  QueryArguments query;
  size_t k = 10;
  std::string filter;
  bool exact = false;
  double recall = SearchOptions().recall;
  size_t nprobe = 0;
  size_t rerank = 0;
  double timeout = 0;
  bool explain = false;
  bool json = false;
  ProjectionArguments projection;
  SnapshotArguments snapshot;
};

// {"id":"a","score":0.9,"distance":0.1,"metadata":{...},"vector":[...]}
std::string HitJson(const Hit& hit, bool with_vector) {
  std::string json = fmt::format("{{\"id\":{},\"score\":{},\"distance\":{},\"metadata\":{}",
                                 Value(hit.id).ToJson(), Value(hit.score).ToJson(),
                                 Value(hit.distance).ToJson(), Value(hit.metadata).ToJson());
  if (with_vector) json += ",\"vector\":" + VectorJson(hit.vector);
  return json + "}";
}

// One line for one query; `extra` are more members of the object, each behind a comma.
void PrintJson(const std::string& label, const Hits& hits, double seconds, bool with_vector,
               const std::string& extra) {
  std::string list;
  for (const Hit& hit : hits) {
    if (!list.empty()) list += ',';
    list += HitJson(hit, with_vector);
  }
  fmt::print("{{\"query\":{},\"hits\":[{}],\"seconds\":{}{}}}\n", Value(label).ToJson(), list,
             Value(seconds).ToJson(), extra);
}

std::string CellText(const Value& value) {
  return value.as_string() != nullptr ? *value.as_string() : value.ToJson();
}

// A column for each field that was asked for, else all metadata as JSON.
void PrintTable(const Hits& hits, const ProjectionArguments& projection) {
  using enum Table::Align;
  std::vector<Table::Column> columns = {
      {"#", kRight}, {"id", kLeft}, {"score", kRight}, {"distance", kRight}};
  for (const std::string& field : projection.fields) columns.push_back({field, kLeft});
  if (projection.fields.empty()) columns.push_back({"metadata", kLeft});
  if (projection.with_vector) columns.push_back({"vector", kLeft});
  Table table(std::move(columns));
  for (size_t i = 0; i < hits.size(); ++i) {
    const Hit& hit = hits[i];
    std::vector<std::string> cells = {fmt::format("{}", i + 1), hit.id,
                                      fmt::format("{:.6f}", hit.score),
                                      fmt::format("{:.6f}", hit.distance)};
    for (const std::string& field : projection.fields) {
      const auto found = hit.metadata.find(field);
      cells.push_back(found == hit.metadata.end() ? "" : CellText(found->second));
    }
    if (projection.fields.empty()) cells.push_back(Value(hit.metadata).ToJson());
    if (projection.with_vector) cells.push_back(VectorJson(hit.vector));
    table.AddRow(std::move(cells));
  }
  fmt::print("{}", table.Render(TerminalWidth()));
}

// Name and value of everything that a search tells of itself, in the order of its work.
std::vector<std::pair<std::string, Value>> ExplanationFields(const SearchExplanation& told) {
  const auto count = [](std::optional<uint64_t> number) {
    return number ? Value(static_cast<int64_t>(*number)) : Value();
  };
  return {
      {"plan", std::string(SearchPlanName(told.plan))},
      {"exact_estimate_us", told.exact_estimate_us},
      {"index_estimate_us", told.index_estimate_us ? Value(*told.index_estimate_us) : Value()},
      {"rows", count(told.rows)},
      {"selected_rows", count(told.selected_rows)},
      {"selection_was_cached", told.selection_was_cached},
      {"clusters", count(told.clusters)},
      {"selected_clusters", count(told.selected_clusters)},
      {"probed_clusters", count(told.probed_clusters)},
      {"scanned_rows", count(told.scanned_rows)},
      {"byte_rows", count(told.byte_rows)},
      {"float_rows", count(told.float_rows)},
      {"compared_rows", count(told.compared_rows)},
      {"selection_us", told.selection_us},
      {"search_us", told.search_us},
      {"hits_us", told.hits_us},
  };
}

std::string ExplanationJson(const SearchExplanation& told) {
  Value::Object object;
  for (auto& [name, value] : ExplanationFields(told)) object.emplace(name, value);
  return ",\"explanation\":" + Value(std::move(object)).ToJson();
}

void PrintExplanation(const SearchExplanation& told) {
  Table table({{"step", Table::Align::kLeft}, {"", Table::Align::kRight}});
  for (const auto& [name, value] : ExplanationFields(told)) {
    table.AddRow({name, value.is_null() ? "-" : CellText(value)});
  }
  fmt::print("{}", table.Render(TerminalWidth()));
}

class Searcher {
 public:
  Searcher(const Arguments& arguments, const Snapshot& snapshot, SearchOptions options)
      : arguments_(arguments), snapshot_(snapshot), options_(std::move(options)) {}

  Status Answer(const QueryBlock& block) {
    const auto begin = std::chrono::steady_clock::now();
    const size_t count = block.labels.size();
    if (arguments_.explain) return ExplainEach(block);
    VIPER_ASSIGN_OR_RETURN(const std::vector<Hits> answers,
                           snapshot_.SearchBatch({block.floats, count}, options_));
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    seconds_ += seconds;
    queries_ += count;
    for (size_t i = 0; i < count; ++i)
      Print(block.labels[i], answers[i], seconds / static_cast<double>(count), nullptr);
    // Whoever sends one query at a time waits for its answer.
    std::fflush(stdout);
    return Status::Ok();
  }

  void PrintSummary() const {
    std::FILE* stream = arguments_.json ? stderr : stdout;
    if (queries_ == 1) {
      if (!arguments_.json) fmt::print(stream, "{} hits in {}\n", hits_, SecondsText(seconds_));
    } else {
      fmt::print(stream, "{} queries in {} ({} each)\n", CountText(queries_), SecondsText(seconds_),
                 SecondsText(queries_ == 0 ? 0 : seconds_ / static_cast<double>(queries_)));
    }
  }

 private:
  Status ExplainEach(const QueryBlock& block) {
    const size_t dim = block.floats.size() / block.labels.size();
    for (size_t i = 0; i < block.labels.size(); ++i) {
      VIPER_ASSIGN_OR_RETURN(
          const SearchExplanation told,
          snapshot_.Explain(std::span(block.floats).subspan(i * dim, dim), options_));
      const double seconds = (told.selection_us + told.search_us + told.hits_us) / 1e6;
      seconds_ += seconds;
      ++queries_;
      Print(block.labels[i], told.hits, seconds, &told);
      std::fflush(stdout);
    }
    return Status::Ok();
  }

  // `told` is null unless the search was explained.
  void Print(const std::string& label, const Hits& hits, double seconds,
             const SearchExplanation* told) {
    hits_ += hits.size();
    if (arguments_.json) {
      PrintJson(label, hits, seconds, arguments_.projection.with_vector,
                told == nullptr ? "" : ExplanationJson(*told));
      return;
    }
    if (arguments_.query.id.empty() &&
        (arguments_.query.vector.empty() || arguments_.query.vector == "-")) {
      fmt::print("query {}\n", Printable(label));
    }
    PrintTable(hits, arguments_.projection);
    if (told != nullptr) PrintExplanation(*told);
  }

  const Arguments& arguments_;
  const Snapshot& snapshot_;
  const SearchOptions options_;
  uint64_t queries_ = 0;
  uint64_t hits_ = 0;
  double seconds_ = 0;
};

Status Run(const Session& session, const Arguments& arguments) {
  if (!(arguments.timeout >= 0 && arguments.timeout <= kTimeoutMax)) {
    return Status::InvalidArgument(fmt::format("--timeout: 0 to {:.0f} seconds expected: actual={}",
                                               kTimeoutMax, arguments.timeout));
  }
  SearchOptions options;
  options.k = arguments.k;
  options.exact = arguments.exact;
  options.recall = arguments.recall;
  options.nprobe = arguments.nprobe;
  options.rerank = arguments.rerank;
  options.timeout_ms = static_cast<uint64_t>(std::ceil(1000 * arguments.timeout));
  options.projection = arguments.projection.Get();
  VIPER_ASSIGN_OR_RETURN(options.filter, Filter::Parse(arguments.filter));
  VIPER_ASSIGN_OR_RETURN(const OpenedCollection opened,
                         OpenCollection(session, arguments.name, Access::kRead));
  VIPER_ASSIGN_OR_RETURN(const Snapshot snapshot, arguments.snapshot.Take(*opened.collection));
  VIPER_ASSIGN_OR_RETURN(const auto queries,
                         OpenQueries(arguments.query, *opened.collection, snapshot));
  Searcher searcher(arguments, snapshot, std::move(options));
  while (true) {
    VIPER_ASSIGN_OR_RETURN(const QueryBlock block, queries->Next());
    if (block.labels.empty()) break;
    VIPER_RETURN_IF_ERROR(searcher.Answer(block));
  }
  searcher.PrintSummary();
  return Status::Ok();
}

}  // namespace

void AddSearchCommand(Command& program, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  Command command = program.AddCommand("search", "Find the nearest records");
  AddCollection(command, arguments->name);
  command.AddOption("INPUT", arguments->query.standard_input,
                    "-: queries from standard input, a JSON array on each line");
  command.AddOption("--id", arguments->query.id, "Search with the vector of this record");
  command.AddOption("--vector", arguments->query.vector,
                    "Search with this vector, a JSON array (-: standard input)");
  command.AddOption("--file", arguments->query.file,
                    "Search with every vector of a file (npy, fvecs, jsonl, parquet, ...)");
  command.AddOptionWithDefault("-k,--k", arguments->k, "Hits of each query");
  AddFilter(command, arguments->filter);
  command.AddOptionWithDefault("--recall", arguments->recall,
                               "Share of the true nearest to find on average, above 0 and below 1");
  command.AddOption("--nprobe", arguments->nprobe,
                    "Clusters to look into, in place of what --recall says");
  command.AddOption("--rerank", arguments->rerank,
                    "Read the vectors of at most so many of the best candidates");
  command.AddOption("--timeout", arguments->timeout,
                    "Give up after so many seconds (of a batch: for all of its queries)");
  command.AddFlag("--explain", arguments->explain,
                  "Tell after each answer how it was found, and how long each step took");
  command.AddFlag("--exact", arguments->exact, "Compare with every record, without the index");
  arguments->projection.AddTo(command);
  arguments->snapshot.AddTo(command);
  command.AddFlag(
      "--json", arguments->json,
      "Print one JSON object for each query: query, hits (id, score, distance, metadata),\n"
      "seconds (of a batch: its time divided by its queries), and with --explain explanation");
  AddExample(command,
             "  viper search films --vector '[1, 0, 0.5]' --k 5 --filter 'year >= 1990'\n"
             "  viper search films --id alien --fields title,year\n"
             "  viper search photos --file queries.fvecs --k 100 --json > answers.jsonl\n"
             "\n"
             "A bigger score is better; the distance is that of the collection's metric.");
  command.OnChosen([arguments, &session] {
    session.run = [arguments, &session] { return Run(session, *arguments); };
  });
}

}  // namespace viper::cli
