#include <memory>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "collection_argument.h"
#include "commands.h"
#include "index_build.h"
#include "interrupt.h"
#include "number_text.h"
#include "status_macros.h"
#include "table.h"
#include "terminal.h"

namespace viper::cli {
namespace {

struct Arguments {
  std::string name;
  bool dry_run = false;
  bool everything = false;
  bool fold = false;
  bool vacuum = false;
  bool json = false;
  uint64_t part_mib = 0;
};

Value Number(uint64_t number) { return static_cast<int64_t>(number); }

Value ReportJson(const CompactionReport& report, const VacuumReport& vacuumed, bool dry_run) {
  Value::List steps;
  for (const CompactionStep& step : report.steps) {
    Value::Object object{{"files", Value::List(step.files.begin(), step.files.end())},
                         {"reason", step.reason},
                         {"bytes_before", Number(step.bytes_before)},
                         {"predicted_bytes", Number(step.predicted_bytes)},
                         {"predicted_files", Number(step.predicted_files)},
                         {"wasted_seconds", step.wasted_seconds},
                         {"dropped_rows", Number(step.dropped_rows)}};
    if (step.predicted_seconds) object["predicted_seconds"] = *step.predicted_seconds;
    if (!dry_run) {
      object["bytes_after"] = Number(step.bytes_after);
      object["files_after"] = Number(step.files_after);
      object["seconds"] = step.seconds;
    }
    steps.emplace_back(std::move(object));
  }
  return Value::Object{
      {"dry_run", dry_run},
      {"steps", std::move(steps)},
      {"files_before", Number(report.files_before)},
      {"files_after", Number(report.files_after)},
      {"bytes_before", Number(report.bytes_before)},
      {"bytes_after", Number(report.bytes_after)},
      {"lowered_protocol", report.lowered_protocol},
      {"vacuumed_files", Value::List(vacuumed.files.begin(), vacuumed.files.end())},
      {"vacuumed_bytes", Number(vacuumed.bytes)}};
}

void PrintReport(const CompactionReport& report, const VacuumReport& vacuumed,
                 const Arguments& arguments) {
  Table table({{"reason"},
               {"files", Table::Align::kRight},
               {"bytes", Table::Align::kRight},
               {"predicted", Table::Align::kRight},
               {"became", Table::Align::kRight},
               {"rows dropped", Table::Align::kRight}});
  for (const CompactionStep& step : report.steps) {
    table.AddRow({step.reason, CountText(step.files.size()), BytesText(step.bytes_before),
                  BytesText(step.predicted_bytes),
                  arguments.dry_run ? "-" : BytesText(step.bytes_after),
                  CountText(step.dropped_rows)});
  }
  if (!report.steps.empty()) fmt::print("{}", table.Render(TerminalWidth()));
  fmt::print("{} {} files of {} into {} of {}\n", arguments.dry_run ? "would make" : "made",
             CountText(report.files_before), BytesText(report.bytes_before),
             CountText(report.files_after), BytesText(report.bytes_after));
  if (report.lowered_protocol) {
    fmt::print("the table {} no deletion vectors any more\n",
               arguments.dry_run ? "would need" : "needs");
  }
  if (arguments.vacuum) {
    fmt::print("{} {} files of {} that only older versions need\n",
               arguments.dry_run ? "would remove" : "removed", CountText(vacuumed.files.size()),
               BytesText(vacuumed.bytes));
  }
}

Status Run(const Session& session, const Arguments& arguments) {
  constexpr uint64_t kPartMibMax = 4096;
  if (arguments.part_mib > kPartMibMax) {
    return Status::InvalidArgument(fmt::format("--part-mib is out of range: min=1 max={} actual={}",
                                               kPartMibMax, arguments.part_mib));
  }
  CatchInterrupts();
  VIPER_ASSIGN_OR_RETURN(const OpenedCollection opened,
                         OpenCollection(session, arguments.name, Access::kWrite));
  CompactOptions options;
  options.dry_run = arguments.dry_run;
  options.everything = arguments.everything;
  options.fold_deletion_vectors = arguments.fold;
  options.part_bytes = arguments.part_mib << 20;
  options.progress = [](double) { return !Interrupted(); };
  if (!arguments.dry_run) VIPER_RETURN_IF_ERROR(opened->Flush());
  VIPER_ASSIGN_OR_RETURN(const CompactionReport report, opened->Compact(options));
  if (!report.steps.empty() && !arguments.dry_run) {
    VIPER_RETURN_IF_ERROR(BringIndexUp(*opened.collection, !arguments.json));
  }
  VacuumReport vacuumed;
  if (arguments.vacuum) {
    // At once, unless the collection says for how long: then by that.
    const int64_t retention_ms = opened->Properties().retention_ms ? -1 : 0;
    VIPER_ASSIGN_OR_RETURN(
        vacuumed, opened->Vacuum({.retention_ms = retention_ms, .dry_run = arguments.dry_run}));
  }
  if (arguments.json) {
    fmt::print("{}\n", ReportJson(report, vacuumed, arguments.dry_run).ToJson());
  } else {
    PrintReport(report, vacuumed, arguments);
  }
  return Status::Ok();
}

}  // namespace

void AddCompactCommand(Command& program, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  Command command = program.AddCommand("compact", "Merge small files, and drop dead rows");
  AddCollection(command, arguments->name);
  command.AddFlag("--dry-run", arguments->dry_run, "Tell what would be done, and change nothing");
  command.AddFlag("--all", arguments->everything,
                  "Merge whatever is small and drop every dead row, whether it pays or not");
  command.AddFlag("--fold", arguments->fold,
                  "Apply all deletion vectors, for readers that know none");
  command.AddFlag("--vacuum", arguments->vacuum,
                  "Remove what only older versions of the table need: at once, or what is older\n"
                  "than the collection's retention, where it has one");
  command.AddOption("--part-mib", arguments->part_mib,
                    "Files grow to about this size, in MiB (default 256)");
  command.AddFlag("--json", arguments->json, "Print one JSON object");
  AddExample(command,
             "  viper compact films --dry-run\n"
             "  viper compact films --all --fold --vacuum\n"
             "\n"
             "A program that keeps a collection open does in the background what pays.");
  command.OnChosen([arguments, &session] {
    session.run = [arguments, &session] { return Run(session, *arguments); };
  });
}

}  // namespace viper::cli
