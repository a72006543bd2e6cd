#include <memory>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "collection_argument.h"
#include "commands.h"
#include "exit_code.h"
#include "number_text.h"
#include "status_macros.h"
#include "table.h"
#include "terminal.h"

namespace viper::cli {
namespace {

// A collection that cannot be opened does not hide the others; the first such decides the exit
// code.
Status PrintLong(Engine& engine, const std::vector<std::string>& names) {
  using enum Table::Align;
  Table table({{"name", kLeft},
               {"rows", kRight},
               {"dim", kRight},
               {"metric", kLeft},
               {"table size", kRight},
               {"fields", kLeft}});
  Status failure;
  for (const std::string& name : names) {
    const auto collection = engine.OpenCollection(name);
    if (!collection.ok()) {
      if (!failure.ok()) Report(failure);
      failure = collection.status();
      continue;
    }
    const CollectionSchema& schema = (*collection)->schema();
    const CollectionStatistics statistics = (*collection)->Statistics();
    std::string fields;
    for (const Field& field : schema.fields) {
      fields +=
          fmt::format("{}{}:{}", fields.empty() ? "" : " ", field.name, FieldTypeName(field.type));
    }
    table.AddRow({name, CountOrUnknown(statistics.live_rows), fmt::format("{}", schema.dim),
                  std::string(MetricName(schema.metric)), BytesText(statistics.part_bytes),
                  fields});
  }
  fmt::print("{}", table.Render(TerminalWidth()));
  return failure;
}

Status Run(const Session& session, bool is_long) {
  VIPER_ASSIGN_OR_RETURN(Engine engine, session.OpenEngine(Access::kRead));
  VIPER_ASSIGN_OR_RETURN(const std::vector<std::string> names, engine.ListCollections());
  if (is_long) return PrintLong(engine, names);
  for (const std::string& name : names) fmt::print("{}\n", name);
  return Status::Ok();
}

}  // namespace

void AddListCommand(Command& program, Session& session) {
  auto is_long = std::make_shared<bool>(false);
  Command command = program.AddCommand("list", "Print the names of the collections");
  command.AddFlag("-l,--long", *is_long, "A table with rows, dimension, metric, size and fields");
  AddExample(command, "  viper list --long");
  command.OnChosen([is_long, &session] {
    session.run = [is_long, &session] { return Run(session, *is_long); };
  });
}

}  // namespace viper::cli
