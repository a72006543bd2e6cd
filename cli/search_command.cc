#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

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

struct Arguments {
  std::string name;
  QueryArguments query;
  size_t k = 10;
  std::string filter;
  bool exact = false;
  double recall = SearchOptions().recall;
  size_t nprobe = 0;
  bool json = false;
  ProjectionArguments projection;
};

// {"id":"a","score":0.9,"distance":0.1,"metadata":{...},"vector":[...]}
std::string HitJson(const Hit& hit, bool with_vector) {
  std::string json = fmt::format("{{\"id\":{},\"score\":{},\"distance\":{},\"metadata\":{}",
                                 Value(hit.id).ToJson(), Value(hit.score).ToJson(),
                                 Value(hit.distance).ToJson(), Value(hit.metadata).ToJson());
  if (with_vector) json += ",\"vector\":" + VectorJson(hit.vector);
  return json + "}";
}

void PrintJson(const std::string& label, const Hits& hits, double seconds, bool with_vector) {
  std::string list;
  for (const Hit& hit : hits) {
    if (!list.empty()) list += ',';
    list += HitJson(hit, with_vector);
  }
  fmt::print("{{\"query\":{},\"hits\":[{}],\"seconds\":{}}}\n", Value(label).ToJson(), list,
             Value(seconds).ToJson());
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

class Searcher {
 public:
  Searcher(const Arguments& arguments, const Snapshot& snapshot, SearchOptions options)
      : arguments_(arguments), snapshot_(snapshot), options_(std::move(options)) {}

  Status Answer(const QueryBlock& block) {
    const auto begin = std::chrono::steady_clock::now();
    const size_t count = block.labels.size();
    VIPER_ASSIGN_OR_RETURN(const std::vector<Hits> answers,
                           snapshot_.SearchBatch({block.floats, count}, options_));
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    seconds_ += seconds;
    queries_ += count;
    for (size_t i = 0; i < count; ++i)
      Print(block.labels[i], answers[i], seconds / static_cast<double>(count));
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
  void Print(const std::string& label, const Hits& hits, double seconds) {
    hits_ += hits.size();
    if (arguments_.json) {
      PrintJson(label, hits, seconds, arguments_.projection.with_vector);
      return;
    }
    if (arguments_.query.id.empty() &&
        (arguments_.query.vector.empty() || arguments_.query.vector == "-")) {
      fmt::print("query {}\n", Printable(label));
    }
    PrintTable(hits, arguments_.projection);
  }

  const Arguments& arguments_;
  const Snapshot& snapshot_;
  const SearchOptions options_;
  uint64_t queries_ = 0;
  uint64_t hits_ = 0;
  double seconds_ = 0;
};

Status Run(const Session& session, const Arguments& arguments) {
  SearchOptions options;
  options.k = arguments.k;
  options.exact = arguments.exact;
  options.recall = arguments.recall;
  options.nprobe = arguments.nprobe;
  options.projection = arguments.projection.Get();
  VIPER_ASSIGN_OR_RETURN(options.filter, Filter::Parse(arguments.filter));
  VIPER_ASSIGN_OR_RETURN(const OpenedCollection opened,
                         OpenCollection(session, arguments.name, Access::kRead));
  const Snapshot snapshot = opened->GetSnapshot();
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
  command.AddFlag("--exact", arguments->exact, "Compare with every record, without the index");
  arguments->projection.AddTo(command);
  command.AddFlag(
      "--json", arguments->json,
      "Print one JSON object for each query: query, hits (id, score, distance, metadata),\n"
      "seconds (of a batch: its time divided by its queries)");
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
