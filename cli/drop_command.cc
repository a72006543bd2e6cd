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
  bool yes = false;
};

Status Run(const Session& session, const Arguments& arguments) {
  if (!arguments.yes) {
    return Status::InvalidArgument(fmt::format(
        "this removes {} with all its records for good; say so with --yes", arguments.name));
  }
  VIPER_ASSIGN_OR_RETURN(Engine engine, session.OpenEngine(Access::kWrite));
  VIPER_RETURN_IF_ERROR(engine.DropCollection(arguments.name));
  fmt::print("dropped {}\n", arguments.name);
  return Status::Ok();
}

}  // namespace

void AddDropCommand(Command& program, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  Command command = program.AddCommand("drop", "Remove a collection and its files");
  AddCollection(command, arguments->name);
  command.AddFlag("--yes", arguments->yes, "Really");
  AddExample(command, "  viper drop films --yes");
  command.OnChosen([arguments, &session] {
    session.run = [arguments, &session] { return Run(session, *arguments); };
  });
}

}  // namespace viper::cli
