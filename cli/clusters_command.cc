#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "collection_argument.h"
#include "commands.h"
#include "number_text.h"
#include "query_source.h"
#include "status_macros.h"
#include "table.h"
#include "terminal.h"

namespace viper::cli {
namespace {

struct Arguments {
  std::string name;
  QueryArguments query;
  double recall = SearchOptions().recall;
  size_t k = SearchOptions().k;
  bool json = false;
};

Value NumberOrNull(const std::optional<double>& number) {
  return number.has_value() ? Value(*number) : Value();
}

void PrintJson(const ClusterPrediction& optimal, const std::vector<RelevantCluster>& relevant) {
  Value::List list;
  for (const RelevantCluster& cluster : relevant) {
    list.push_back(Value::Object{{"cluster", cluster.id.ToString()},
                                 {"distance", cluster.distance},
                                 {"probability", NumberOrNull(cluster.probability)},
                                 {"rows", static_cast<int64_t>(cluster.row_count)}});
  }
  const Value json = Value::Object{
      {"optimal", Value::Object{{"cluster", optimal.id.ToString()},
                                {"distance", optimal.distance},
                                {"second_distance", NumberOrNull(optimal.second_distance)},
                                {"margin", optimal.margin}}},
      {"relevant", std::move(list)}};
  fmt::print("{}\n", json.ToJson());
}

void PrintTable(const ClusterPrediction& optimal, const std::vector<RelevantCluster>& relevant) {
  using enum Table::Align;
  fmt::print("belongs to {} at distance {:.6f}, margin {:.3f}\n", optimal.id.ToString(),
             optimal.distance, optimal.margin);
  Table table({{"#", kRight},
               {"cluster", kLeft},
               {"distance", kRight},
               {"probability", kRight},
               {"rows", kRight}});
  for (size_t i = 0; i < relevant.size(); ++i) {
    const RelevantCluster& cluster = relevant[i];
    table.AddRow({fmt::format("{}", i + 1), cluster.id.ToString(),
                  fmt::format("{:.6f}", cluster.distance),
                  cluster.probability ? fmt::format("{:.4f}", *cluster.probability) : "unknown",
                  CountText(cluster.row_count)});
  }
  fmt::print("{}", table.Render(TerminalWidth()));
}

Status Run(const Session& session, const Arguments& arguments) {
  if (arguments.query.id.empty() == arguments.query.vector.empty()) {
    return Status::InvalidArgument("give the vector in one way: --id ID, or --vector '[0.1, 0.2]'");
  }
  VIPER_ASSIGN_OR_RETURN(const OpenedCollection opened,
                         OpenCollection(session, arguments.name, Access::kRead));
  VIPER_ASSIGN_OR_RETURN(const auto queries,
                         OpenQueries(arguments.query, *opened.collection, opened->GetSnapshot()));
  VIPER_ASSIGN_OR_RETURN(const QueryBlock block, queries->Next());
  VIPER_ASSIGN_OR_RETURN(const ClusterPrediction optimal,
                         opened->PredictOptimalCluster(block.floats));
  VIPER_ASSIGN_OR_RETURN(const auto relevant, opened->PredictRelevantClusters(
                                                  block.floats, arguments.recall, arguments.k));
  if (arguments.json) {
    PrintJson(optimal, relevant);
  } else {
    PrintTable(optimal, relevant);
  }
  return Status::Ok();
}

}  // namespace

void AddClustersCommand(Command& program, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  Command command = program.AddCommand(
      "clusters", "Tell which clusters of the index a vector belongs to and a search looks into");
  AddCollection(command, arguments->name);
  command.AddOption("--id", arguments->query.id, "The vector of this record");
  command.AddOption("--vector", arguments->query.vector, "This vector, a JSON array");
  command.AddOptionWithDefault("--recall", arguments->recall, "As of a search");
  command.AddOptionWithDefault("-k,--k", arguments->k, "As of a search");
  command.AddFlag("--json", arguments->json, "Print one JSON object: optimal, relevant");
  AddExample(
      command,
      "  viper clusters films --id alien --recall 0.99\n"
      "\n"
      "A cluster is named by collection, model and number. The probability is that of one of\n"
      "the k nearest, drawn at random, to lie in the cluster.");
  command.OnChosen([arguments, &session] {
    session.run = [arguments, &session] { return Run(session, *arguments); };
  });
}

}  // namespace viper::cli
