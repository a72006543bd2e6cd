#include <memory>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "collection_argument.h"
#include "commands.h"
#include "number_text.h"
#include "status_macros.h"
#include "table.h"
#include "terminal.h"

namespace viper::cli {
namespace {

struct Arguments {
  std::string name;
  bool json = false;
};

Value Number(uint64_t number) { return static_cast<int64_t>(number); }

Value VersionJson(const TableVersion& version) {
  return Value::Object{{"version", version.version},
                       {"committed_at", version.committed_at.ToString()},
                       {"operation", version.operation},
                       {"reason", version.reason},
                       {"files_added", Number(version.files_added)},
                       {"files_removed", Number(version.files_removed)},
                       {"files", Number(version.files)},
                       {"bytes", Number(version.bytes)},
                       {"rows", version.rows ? Number(*version.rows) : Value()}};
}

void PrintTable(const std::vector<TableVersion>& versions) {
  Table table({{"version", Table::Align::kRight},
               {"time"},
               {"operation"},
               {"files", Table::Align::kRight},
               {"rows", Table::Align::kRight},
               {"bytes", Table::Align::kRight}});
  for (const TableVersion& version : versions) {
    const std::string why = version.reason.empty() ? "" : ": " + version.reason;
    table.AddRow({fmt::format("{}", version.version), version.committed_at.ToString(),
                  version.operation + why, CountText(version.files), CountOrUnknown(version.rows),
                  BytesText(version.bytes)});
  }
  fmt::print("{}", table.Render(TerminalWidth()));
}

Status Run(const Session& session, const Arguments& arguments) {
  VIPER_ASSIGN_OR_RETURN(const OpenedCollection opened,
                         OpenCollection(session, arguments.name, Access::kRead));
  VIPER_ASSIGN_OR_RETURN(const std::vector<TableVersion> versions, opened->Versions());
  if (arguments.json) {
    Value::List told;
    for (const TableVersion& version : versions) told.push_back(VersionJson(version));
    fmt::print("{}\n", Value(Value::Object{{"versions", std::move(told)}}).ToJson());
  } else {
    PrintTable(versions);
  }
  return Status::Ok();
}

}  // namespace

void AddVersionsCommand(Command& program, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  Command command =
      program.AddCommand("versions", "List the versions of a collection that can be read");
  AddCollection(command, arguments->name);
  command.AddFlag("--json", arguments->json, "Print one JSON object");
  AddExample(
      command,
      "  viper versions films\n"
      "  viper get films alien --version 17\n"
      "  viper count films --as-of 2026-11-22T08:30:00Z\n"
      "\n"
      "A version is what had been flushed by then; rows are those in its files, expired ones\n"
      "included.");
  command.OnChosen([arguments, &session] {
    session.run = [arguments, &session] { return Run(session, *arguments); };
  });
}

}  // namespace viper::cli
