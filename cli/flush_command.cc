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

struct Arguments {
  std::string name;
  bool no_compaction = false;
};

Status Run(const Session& session, const Arguments& arguments) {
  VIPER_ASSIGN_OR_RETURN(const OpenedCollection opened,
                         OpenCollection(session, arguments.name, Access::kWrite));
  const uint64_t rows = opened->Statistics().memory_rows;
  VIPER_RETURN_IF_ERROR(opened->Flush());
  fmt::print("flushed {} rows to the table of {}\n", CountText(rows), arguments.name);
  if (!arguments.no_compaction) TidyUp(*opened.collection);
  return Status::Ok();
}

}  // namespace

void AddFlushCommand(Command& program, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  Command command = program.AddCommand("flush", "Write rows that are in the log only to the table");
  AddCollection(command, arguments->name);
  AddNoCompaction(command, arguments->no_compaction);
  AddExample(command,
             "  viper flush films\n"
             "\n"
             "Nothing is lost without it; other readers of the table see the rows after it.");
  command.OnChosen([arguments, &session] {
    session.run = [arguments, &session] { return Run(session, *arguments); };
  });
}

}  // namespace viper::cli
