#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "collection_argument.h"
#include "commands.h"
#include "number_text.h"
#include "status_macros.h"
#include "table.h"
#include "terminal.h"

namespace viper::cli {
namespace {

using Align = Table::Align;

struct Arguments {
  std::string name;
  bool json = false;
};

/// A value in few characters; nothing for none.
std::string ShortValue(const std::optional<Value>& value) {
  if (!value || value->is_null()) return "";
  constexpr size_t kWidth = 27;  // A time in microseconds.
  std::string text = value->ToJson();
  if (value->as_string() != nullptr) text = *value->as_string();
  if (value->as_timestamp() != nullptr) text = value->as_timestamp()->ToString();
  return Clip(Printable(text), kWidth);
}

/// In the last column, so that the others are seen.
std::string NoteOf(const std::string& problem) { return problem.empty() ? "" : "! " + problem; }

void Print(const std::string& title, const Table& table) {
  fmt::print("{}\n{}\n", title, table.Render(TerminalWidth()));
}

void PrintVersions(const CollectionInspection& told) {
  Table table({{"version", Align::kRight},
               {"time"},
               {"operation"},
               {"added", Align::kRight},
               {"removed", Align::kRight},
               {"bytes", Align::kRight},
               {"checkpoint"}});
  for (const TableVersionInspection& version : told.versions) {
    table.AddRow({fmt::format("{}", version.version),
                  version.committed_at ? version.committed_at->ToString() : "", version.operation,
                  CountText(version.files_added), CountText(version.files_removed),
                  CountText(version.bytes), version.has_checkpoint ? "yes" : ""});
  }
  Print("table versions", table);
}

void PrintChoices(const PartInspection& part) {
  Table table({{"column"}, {"chosen"}, {"because"}});
  bool is_told = false;
  for (const ColumnInspection& column : part.columns) {
    if (column.chosen.empty()) continue;
    is_told = true;
    table.AddRow({column.path, column.chosen, column.reason});
  }
  if (is_told) Print("choices", table);
}

/// The row groups of a part that has sparse vectors.
void PrintGroups(const PartInspection& part) {
  Table table({{"row group", Align::kRight},
               {"vectors"},
               {"rows", Align::kRight},
               {"sparse", Align::kRight}});
  bool has_sparse = false;
  for (size_t i = 0; i < part.groups.size(); ++i) {
    const RowGroupInspection& group = part.groups[i];
    has_sparse |= group.sparse_rows > 0;
    table.AddRow({fmt::format("{}", i), std::string(VectorLayoutName(group.layout)),
                  CountText(group.rows), CountText(group.sparse_rows)});
  }
  if (has_sparse) Print("row groups", table);
}

void PrintPart(const PartInspection& part) {
  Table table({{"column"},
               {"type"},
               {"encodings"},
               {"compression"},
               {"bytes", Align::kRight},
               {"of", Align::kRight},
               {"nulls", Align::kRight},
               {"min"},
               {"max"}});
  for (const ColumnInspection& column : part.columns) {
    const std::string type = column.logical_type == "None"
                                 ? column.physical_type
                                 : column.physical_type + " " + column.logical_type;
    table.AddRow({column.path, Clip(type, 24), fmt::format("{}", fmt::join(column.encodings, " ")),
                  fmt::format("{}", fmt::join(column.compressions, " ")),
                  CountText(column.compressed_bytes), CountText(column.uncompressed_bytes),
                  CountOrUnknown(column.null_count), ShortValue(column.min),
                  ShortValue(column.max)});
  }
  const std::string how = part.compression.empty() ? "" : ", " + Printable(part.compression);
  const std::string dead =
      part.dead_rows == 0 ? "" : fmt::format(" ({} of them dead)", CountText(part.dead_rows));
  const std::string unread =
      part.unread_columns.empty()
          ? ""
          : fmt::format("\nnever merged, for VIPER does not read: {}",
                        Printable(fmt::format("{}", fmt::join(part.unread_columns, ", "))));
  Print(fmt::format("part {}: {} rows{}, {}, {} row groups{}{}{}{}", Printable(part.file),
                    CountText(part.rows), dead, BytesText(part.bytes), part.row_groups,
                    part.is_foreign ? ", of another writer" : "", how, unread,
                    part.problem.empty() ? "" : "\n! " + Printable(part.problem)),
        table);
  PrintChoices(part);
  PrintGroups(part);
}

void PrintSidecars(const CollectionInspection& told) {
  Table table({{"sidecar"},
               {"bytes", Align::kRight},
               {"rows", Align::kRight},
               {"pages", Align::kRight},
               {"largest norm", Align::kRight},
               {""}});
  for (const SidecarInspection& sidecar : told.sidecars) {
    table.AddRow({sidecar.file, CountText(sidecar.bytes), CountText(sidecar.rows),
                  CountText(sidecar.pages), fmt::format("{:.4g}", sidecar.max_norm),
                  NoteOf(sidecar.problem)});
  }
  Print("sidecars", table);
}

void PrintLog(const CollectionInspection& told) {
  Table table({{"log segment"},
               {"first", Align::kRight},
               {"last", Align::kRight},
               {"records", Align::kRight},
               {"used", Align::kRight},
               {"bytes", Align::kRight},
               {""}});
  for (const LogSegmentInspection& segment : told.log_segments) {
    table.AddRow({segment.file, fmt::format("{}", segment.first_sequence),
                  fmt::format("{}", segment.last_sequence), CountText(segment.records),
                  CountText(segment.used_bytes), CountText(segment.bytes),
                  NoteOf(segment.problem)});
  }
  Print(fmt::format("write-ahead log (in the table up to {})", told.flushed_sequence), table);
}

void PrintIndex(const CollectionInspection& told) {
  Table models({{"model"},
                {"version", Align::kRight},
                {"trained"},
                {"clusters", Align::kRight},
                {"dim", Align::kRight},
                {"bits", Align::kRight},
                {"bytes", Align::kRight},
                {""}});
  for (const IndexModelInspection& model : told.index_models) {
    models.AddRow({model.file, fmt::format("{}", model.version), model.trained_at.ToString(),
                   CountText(model.clusters), fmt::format("{}", model.dim),
                   fmt::format("{}", model.code_dim), CountText(model.bytes),
                   NoteOf(model.problem)});
  }
  Table segments({{"segment"},
                  {"model"},
                  {"rows", Align::kRight},
                  {"parts", Align::kRight},
                  {"clusters", Align::kRight},
                  {"largest", Align::kRight},
                  {"bytes", Align::kRight},
                  {""}});
  for (const IndexSegmentInspection& segment : told.index_segments) {
    segments.AddRow({segment.file, segment.model, CountText(segment.rows),
                     CountText(segment.parts.size()), CountText(segment.clusters),
                     CountText(segment.largest_cluster_rows), CountText(segment.bytes),
                     NoteOf(segment.problem)});
  }
  Print("index models", models);
  Print("index segments", segments);
}

Status Run(const Session& session, const Arguments& arguments) {
  VIPER_ASSIGN_OR_RETURN(const Engine engine, session.OpenEngine(Access::kRead));
  VIPER_ASSIGN_OR_RETURN(const CollectionInspection told, engine.Inspect(arguments.name));
  if (arguments.json) {
    fmt::print("{}\n", ToValue(told).ToJson());
    return Status::Ok();
  }
  PrintVersions(told);
  for (const PartInspection& part : told.parts) PrintPart(part);
  if (!told.sidecars.empty()) PrintSidecars(told);
  if (!told.log_segments.empty()) PrintLog(told);
  if (!told.index_models.empty() || !told.index_segments.empty()) PrintIndex(told);
  return Status::Ok();
}

}  // namespace

void AddInspectCommand(Command& program, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  Command command = program.AddCommand("inspect", "Show what is in each file of a collection");
  AddCollection(command, arguments->name);
  command.AddFlag("--json", arguments->json, "Print one JSON object");
  AddExample(
      command,
      "  viper inspect films\n"
      "  viper inspect films --json\n"
      "\n"
      "Versions of the table; of each part its columns with their types, encodings and sizes;\n"
      "sidecars, the log, the index. Takes no lock.");
  command.OnChosen([arguments, &session] {
    session.run = [arguments, &session] { return Run(session, *arguments); };
  });
}

}  // namespace viper::cli
