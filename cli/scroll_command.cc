#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "collection_argument.h"
#include "commands.h"
#include "exit_code.h"
#include "record_json.h"
#include "status_macros.h"

namespace viper::cli {
namespace {

struct Arguments {
  std::string name;
  std::string filter;
  std::string after;
  size_t limit = 20;
  ProjectionArguments projection;
  SnapshotArguments snapshot;
};

Status Run(const Session& session, const Arguments& arguments) {
  ScrollOptions options;
  options.after = arguments.after;
  options.limit = arguments.limit;
  options.projection = arguments.projection.Get();
  VIPER_ASSIGN_OR_RETURN(options.filter, Filter::Parse(arguments.filter));
  VIPER_ASSIGN_OR_RETURN(const OpenedCollection opened,
                         OpenCollection(session, arguments.name, Access::kRead));
  VIPER_ASSIGN_OR_RETURN(const Snapshot snapshot, arguments.snapshot.Take(*opened.collection));
  VIPER_ASSIGN_OR_RETURN(const ScrollPage page, snapshot.Scroll(options));
  for (const Record& record : page.records) fmt::print("{}\n", RecordJson(record));
  if (!page.next.empty()) {
    std::fflush(stdout);
    Tell(fmt::format("more records follow; go on with --after {}", Value(page.next).ToJson()));
  }
  return Status::Ok();
}

}  // namespace

void AddScrollCommand(Command& program, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  Command command = program.AddCommand(
      "scroll", "Print some records in the order of their ids, one JSON object a line");
  AddCollection(command, arguments->name);
  AddFilter(command, arguments->filter);
  command.AddOption("--after", arguments->after, "Begin behind this id");
  command.AddOptionWithDefault("--limit", arguments->limit, "How many records, at most 100,000");
  arguments->projection.AddTo(command);
  arguments->snapshot.AddTo(command);
  AddExample(command, "  viper scroll films --filter \"title LIKE 'A%'\" --limit 5");
  command.OnChosen([arguments, &session] {
    session.run = [arguments, &session] { return Run(session, *arguments); };
  });
}

}  // namespace viper::cli
