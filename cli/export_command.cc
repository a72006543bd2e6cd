#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "collection_argument.h"
#include "commands.h"
#include "export_writer.h"
#include "interrupt.h"
#include "number_text.h"
#include "progress_line.h"
#include "status_macros.h"

namespace viper::cli {
namespace {

// Floats of one page, in bytes.
constexpr size_t kPageBytes = size_t{8} << 20;
constexpr size_t kPageRowsMax = 10'000;

struct Arguments {
  std::string name;
  std::string format = "jsonl";
  std::string output;
  std::string filter;
  SnapshotArguments snapshot;
};

Result<std::unique_ptr<ExportWriter>> OpenWriter(const Arguments& arguments,
                                                 const CollectionSchema& schema) {
  if (arguments.format == "jsonl") return OpenJsonlWriter(arguments.output);
  if (arguments.format == "csv") return OpenCsvWriter(arguments.output, schema);
  if (arguments.format == "npy") return OpenNpyWriter(arguments.output, schema.dim);
  if (arguments.format == "fvecs") return OpenFvecsWriter(arguments.output, schema.dim);
  return Status::InvalidArgument(fmt::format(
      "unknown format of an export: known=jsonl, csv, npy, fvecs actual={}", arguments.format));
}

Result<uint64_t> ExportAll(const Snapshot& snapshot, ScrollOptions options, ExportWriter& writer) {
  VIPER_ASSIGN_OR_RETURN(const uint64_t total, snapshot.Count(options.filter));
  ProgressLine line;
  uint64_t rows = 0;
  while (true) {
    VIPER_ASSIGN_OR_RETURN(ScrollPage page, snapshot.Scroll(options));
    for (const Record& record : page.records) VIPER_RETURN_IF_ERROR(writer.Add(record));
    rows += page.records.size();
    if (Interrupted()) return Status::Cancelled("interrupted; nothing was exported");
    if (page.next.empty()) break;
    options.after = std::move(page.next);
    line.Show(rows, total == 0
                        ? std::nullopt
                        : std::optional(static_cast<double>(rows) / static_cast<double>(total)));
  }
  VIPER_RETURN_IF_ERROR(writer.Finish());
  return rows;
}

Status Run(const Session& session, const Arguments& arguments) {
  ScrollOptions options;
  VIPER_ASSIGN_OR_RETURN(options.filter, Filter::Parse(arguments.filter));
  VIPER_ASSIGN_OR_RETURN(const OpenedCollection opened,
                         OpenCollection(session, arguments.name, Access::kRead));
  VIPER_ASSIGN_OR_RETURN(const Snapshot snapshot, arguments.snapshot.Take(*opened.collection));
  CatchInterrupts();
  const CollectionSchema& schema = opened->schema();
  options.limit = std::clamp<size_t>(kPageBytes / (schema.dim * sizeof(float)), 1, kPageRowsMax);
  VIPER_ASSIGN_OR_RETURN(const auto writer, OpenWriter(arguments, schema));
  const auto begin = std::chrono::steady_clock::now();
  VIPER_ASSIGN_OR_RETURN(const uint64_t rows, ExportAll(snapshot, std::move(options), *writer));
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  // On standard output stand the records themselves.
  if (!arguments.output.empty() && arguments.output != "-") {
    const std::string rate = RateText(rows, seconds);
    fmt::print("exported {} rows to {} in {}{}\n", CountText(rows), arguments.output,
               SecondsText(seconds), rate.empty() ? "" : " (" + rate + ")");
  }
  return Status::Ok();
}

}  // namespace

void AddExportCommand(Command& program, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  Command command = program.AddCommand("export", "Write records to a file that import reads back");
  AddCollection(command, arguments->name);
  command.AddOptionWithDefault("--format", arguments->format, "jsonl, csv, npy or fvecs");
  command.AddOption("-o,--output", arguments->output, "File to write (standard output)");
  AddFilter(command, arguments->filter);
  arguments->snapshot.AddTo(command);
  AddExample(
      command,
      "  viper export films -o films.jsonl\n"
      "  viper export films --format npy -o films.npy   # ids, metadata: films.npy.metadata.jsonl\n"
      "  viper import copy films.npy --metadata films.npy.metadata.jsonl --create\n"
      "\n"
      "The file gets its name when it is complete. For Parquet, read the collection's directory:\n"
      "after `viper flush` it is a Delta Lake table with all records.");
  command.OnChosen([arguments, &session] {
    session.run = [arguments, &session] { return Run(session, *arguments); };
  });
}

}  // namespace viper::cli
