#include <memory>
#include <string>

#include <fmt/core.h>

#include "collection_argument.h"
#include "commands.h"
#include "number_text.h"
#include "status_macros.h"
#include "tidying.h"

namespace viper::cli {
namespace {

Status Run(const Session& session, const std::string& name) {
  VIPER_ASSIGN_OR_RETURN(const OpenedCollection opened,
                         OpenCollection(session, name, Access::kWrite));
  const uint64_t rows = opened->Statistics().memory_rows;
  VIPER_RETURN_IF_ERROR(opened->Flush());
  fmt::print("flushed {} rows to the table of {}\n", CountText(rows), name);
  TidyUp(*opened.collection);
  return Status::Ok();
}

}  // namespace

void AddFlushCommand(Command& program, Session& session) {
  auto name = std::make_shared<std::string>();
  Command command = program.AddCommand("flush", "Write rows that are in the log only to the table");
  AddCollection(command, *name);
  AddExample(
      command,
      "  viper flush films\n"
      "\n"
      "Nothing is lost without it; other readers of the table see the rows after it. Files are\n"
      "merged, and those that no retained version needs removed, where that pays.");
  command.OnChosen(
      [name, &session] { session.run = [name, &session] { return Run(session, *name); }; });
}

}  // namespace viper::cli
