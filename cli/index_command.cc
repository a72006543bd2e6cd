#include <memory>
#include <string>

#include <fmt/core.h>

#include "collection_argument.h"
#include "commands.h"
#include "index_build.h"
#include "index_report_text.h"
#include "interrupt.h"
#include "status_macros.h"

namespace viper::cli {
namespace {

struct Arguments {
  std::string name;
  bool report = false;
  bool json = false;
};

Status Report(const Session& session, const Arguments& arguments) {
  VIPER_ASSIGN_OR_RETURN(const OpenedCollection opened,
                         OpenCollection(session, arguments.name, Access::kRead));
  VIPER_ASSIGN_OR_RETURN(const IndexReport report, opened->ReportIndex());
  if (arguments.json) {
    fmt::print("{}\n", IndexReportJson(report));
  } else {
    fmt::print("{}", IndexReportTable(report));
  }
  return Status::Ok();
}

Status Build(const Session& session, const std::string& name) {
  CatchInterrupts();
  VIPER_ASSIGN_OR_RETURN(const OpenedCollection opened,
                         OpenCollection(session, name, Access::kWrite));
  VIPER_RETURN_IF_ERROR(opened->Flush());
  return BuildIndexShown(*opened.collection);
}

Status Run(const Session& session, const Arguments& arguments) {
  if (arguments.report) return Report(session, arguments);
  if (arguments.json) return Status::InvalidArgument("--json goes with --report");
  return Build(session, arguments.name);
}

}  // namespace

void AddIndexCommand(Command& program, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  Command command = program.AddCommand("index", "Bring the index of a collection up to its table");
  AddCollection(command, arguments->name);
  command.AddFlag("--report", arguments->report,
                  "Build nothing, and tell what there is and how well it does");
  command.AddFlag("--json", arguments->json, "With --report: print it as one JSON object");
  AddExample(command,
             "  viper index films\n"
             "  viper index films --report\n"
             "\n"
             "`import` does so at its end, and a program that keeps a collection open does so in\n"
             "the background. The index can be deleted at any time: it is made from the table.");
  command.OnChosen([arguments, &session] {
    session.run = [arguments, &session] { return Run(session, *arguments); };
  });
}

}  // namespace viper::cli
