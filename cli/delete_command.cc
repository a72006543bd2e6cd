#include <memory>
#include <span>
#include <string>

#include "collection_argument.h"
#include "commands.h"
#include "status_macros.h"
#include "write_target.h"

namespace viper::cli {
namespace {

struct Arguments {
  std::string name;
  WriteTarget target;
};

Status Run(const Session& session, Arguments& arguments) {
  VIPER_RETURN_IF_ERROR(arguments.target.Check());
  VIPER_ASSIGN_OR_RETURN(const OpenedCollection opened,
                         OpenCollection(session, arguments.name, Access::kWrite));
  return arguments.target.Write(
      {.by_ids = [&](std::span<const std::string> ids) { return opened->Delete(ids); },
       .by_filter = [&](const Filter& filter) { return opened->DeleteWhere(filter); }},
      "deleted");
}

}  // namespace

void AddDeleteCommand(Command& program, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  Command command = program.AddCommand("delete", "Delete records by id or by filter");
  AddCollection(command, arguments->name);
  arguments->target.AddTo(command);
  AddExample(
      command,
      "  viper delete films alien heat\n"
      "  viper delete films --filter \"year < 1970 AND rating IS NULL\"\n"
      "  viper search films --id alien --json | jq -r '.hits[].id' | viper delete films --file -\n"
      "\n"
      "Ids that do not exist are ignored.");
  command.OnChosen([arguments, &session] {
    session.run = [arguments, &session] { return Run(session, *arguments); };
  });
}

}  // namespace viper::cli
