#include <memory>
#include <string>

#include <fmt/core.h>

#include "collection_argument.h"
#include "commands.h"
#include "index_build.h"
#include "interrupt.h"
#include "status_macros.h"

namespace viper::cli {
namespace {

Status Run(const Session& session, const std::string& name) {
  CatchInterrupts();
  VIPER_ASSIGN_OR_RETURN(const OpenedCollection opened,
                         OpenCollection(session, name, Access::kWrite));
  VIPER_RETURN_IF_ERROR(opened->Flush());
  return BuildIndexShown(*opened.collection);
}

}  // namespace

void AddIndexCommand(Command& program, Session& session) {
  auto name = std::make_shared<std::string>();
  Command command = program.AddCommand("index", "Bring the index of a collection up to its table");
  AddCollection(command, *name);
  AddExample(command,
             "  viper index films\n"
             "\n"
             "`import` does so at its end, and a program that keeps a collection open does so in\n"
             "the background. The index can be deleted at any time: it is made from the table.");
  command.OnChosen(
      [name, &session] { session.run = [name, &session] { return Run(session, *name); }; });
}

}  // namespace viper::cli
