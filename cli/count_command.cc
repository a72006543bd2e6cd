#include <memory>
#include <string>

#include <fmt/core.h>

#include "collection_argument.h"
#include "commands.h"
#include "status_macros.h"

namespace viper::cli {
namespace {

struct Arguments {
  std::string name;
  std::string filter;
  SnapshotArguments snapshot;
};

Status Run(const Session& session, const Arguments& arguments) {
  VIPER_ASSIGN_OR_RETURN(const Filter filter, Filter::Parse(arguments.filter));
  VIPER_ASSIGN_OR_RETURN(const OpenedCollection opened,
                         OpenCollection(session, arguments.name, Access::kRead));
  VIPER_ASSIGN_OR_RETURN(const Snapshot snapshot, arguments.snapshot.Take(*opened.collection));
  VIPER_ASSIGN_OR_RETURN(const uint64_t count, snapshot.Count(filter));
  fmt::print("{}\n", count);
  return Status::Ok();
}

}  // namespace

void AddCountCommand(Command& program, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  Command command = program.AddCommand("count", "Count records");
  AddCollection(command, arguments->name);
  AddFilter(command, arguments->filter);
  arguments->snapshot.AddTo(command);
  AddExample(command, "  viper count films --filter \"year BETWEEN 1970 AND 1979\"");
  command.OnChosen([arguments, &session] {
    session.run = [arguments, &session] { return Run(session, *arguments); };
  });
}

}  // namespace viper::cli
