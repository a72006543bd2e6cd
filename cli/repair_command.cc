#include <memory>
#include <string>

#include <fmt/core.h>

#include "collection_argument.h"
#include "commands.h"
#include "finding_text.h"
#include "interrupt.h"
#include "progress_line.h"
#include "status_macros.h"
#include "terminal.h"

namespace viper::cli {
namespace {

struct Arguments {
  std::string name;
  bool dry_run = false;
  bool json = false;
};

void PrintReport(const RepairReport& report) {
  for (const RepairStep& step : report.steps) {
    fmt::print("{}", FindingText(step.finding));
    const std::string_view mood = report.dry_run ? "(dry run) " : "";
    fmt::print("          -> {}{}\n", mood, Printable(step.action));
  }
  if (report.steps.empty()) fmt::print("there is nothing to repair\n");
  fmt::print("{}", VerifySummaryText(report.after ? *report.after : report.before));
}

Status Run(const Session& session, const Arguments& arguments) {
  CatchInterrupts();
  VIPER_ASSIGN_OR_RETURN(Engine engine,
                         session.OpenEngine(arguments.dry_run ? Access::kRead : Access::kWrite));
  ProgressLine line;
  RepairOptions options;
  options.dry_run = arguments.dry_run;
  options.progress = [&line](const VerifyProgress& progress) {
    line.ShowBytes(progress.bytes_done, progress.bytes_total);
    return !Interrupted();
  };
  VIPER_ASSIGN_OR_RETURN(const RepairReport report, engine.Repair(arguments.name, options));
  line.Clear();
  if (arguments.json) {
    fmt::print("{}\n", ToValue(report).ToJson());
  } else {
    PrintReport(report);
  }
  if (report.is_sound()) return Status::Ok();
  return Status::Corruption(
      fmt::format("collection '{}' has damage that cannot be repaired, as listed", arguments.name));
}

}  // namespace

void AddRepairCommand(Command& program, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  Command command =
      program.AddCommand("repair", "Make again what is derived, and name what is lost");
  AddCollection(command, arguments->name);
  command.AddFlag("--dry-run", arguments->dry_run, "Change nothing, and say what would be done");
  command.AddFlag("--json", arguments->json, "Print one JSON object: findings and what was done");
  AddExample(
      command,
      "  viper repair films --dry-run\n"
      "  viper repair films\n"
      "\n"
      "Sidecars and checkpoints are made again, damaged files of the index and leftovers are\n"
      "removed (`viper index` builds the index again). What holds records is never touched:\n"
      "where it is damaged, the rows are named. Needs the collection for itself. The exit code\n"
      "is 0 if nothing is damaged any more, and 4 if something is.");
  command.OnChosen([arguments, &session] {
    session.run = [arguments, &session] { return Run(session, *arguments); };
  });
}

}  // namespace viper::cli
