#include <memory>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "collection_argument.h"
#include "commands.h"
#include "status_macros.h"

namespace viper::cli {
namespace {

struct Arguments {
  std::string name;
  size_t dim = 0;
  std::string metric = "cosine";
  std::vector<std::string> fields;
  PropertyArguments properties;
};

Status Run(const Session& session, const Arguments& arguments) {
  CollectionSchema schema;
  schema.dim = arguments.dim;
  VIPER_ASSIGN_OR_RETURN(schema.metric, ParseMetric(arguments.metric));
  VIPER_ASSIGN_OR_RETURN(schema.fields, ParseFields(arguments.fields));
  VIPER_ASSIGN_OR_RETURN(const CollectionProperties properties, arguments.properties.Apply({}));
  VIPER_ASSIGN_OR_RETURN(Engine engine, session.OpenEngine(Access::kWrite));
  VIPER_RETURN_IF_ERROR(engine.CreateCollection(arguments.name, schema, properties).status());
  fmt::print("created {}: dim={} metric={} fields={}\n", arguments.name, schema.dim,
             MetricName(schema.metric), schema.fields.size());
  return Status::Ok();
}

}  // namespace

void AddCreateCommand(Command& program, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  Command command = program.AddCommand("create", "Create a collection");
  AddCollection(command, arguments->name);
  command.AddRequired("--dim", arguments->dim, "Components of every vector");
  command.AddOptionWithDefault("--metric", arguments->metric, "cosine, l2 or dot");
  command.AddRepeated("--field", arguments->fields,
                      "A metadata key to keep as a typed column, as name:type; may be repeated.\n"
                      "Types: bool, int64, float64, string, timestamp, list<string>");
  arguments->properties.AddTo(command);
  AddExample(
      command,
      "  viper create films --dim 768 --metric cosine --field year:int64 --field title:string");
  command.OnChosen([arguments, &session] {
    session.run = [arguments, &session] { return Run(session, *arguments); };
  });
}

}  // namespace viper::cli
