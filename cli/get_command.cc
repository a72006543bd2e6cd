#include <memory>
#include <string>

#include <fmt/core.h>

#include "collection_argument.h"
#include "commands.h"
#include "exit_code.h"
#include "record_json.h"
#include "status_macros.h"

namespace viper::cli {
namespace {

struct Arguments {
  std::string name;
  IdArguments ids;
  ProjectionArguments projection;
  SnapshotArguments snapshot;
  bool with_version = false;
};

// Print what is there; the last missing id decides the exit code.
Status Run(const Session& session, const Arguments& arguments) {
  VIPER_ASSIGN_OR_RETURN(const OpenedCollection opened,
                         OpenCollection(session, arguments.name, Access::kRead));
  VIPER_ASSIGN_OR_RETURN(const Snapshot snapshot, arguments.snapshot.Take(*opened.collection));
  Projection projection = arguments.projection.Get();
  projection.version = arguments.with_version;
  Status missing;
  VIPER_RETURN_IF_ERROR(arguments.ids.ForEach([&](const std::string& id) {
    const Result<Record> record = snapshot.Get(id, projection);
    if (record.ok()) {
      fmt::print("{}\n", RecordJson(*record));
      return Status::Ok();
    }
    if (record.status().code() != StatusCode::kNotFound) return record.status();
    if (!missing.ok()) Report(missing);
    missing = record.status();
    return Status::Ok();
  }));
  return missing;
}

}  // namespace

void AddGetCommand(Command& program, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  Command command = program.AddCommand("get", "Print records by id, one JSON object a line");
  AddCollection(command, arguments->name);
  arguments->ids.AddTo(command);
  arguments->projection.AddTo(command);
  command.AddFlag(
      "--with-version", arguments->with_version,
      "Print _ingested_at, which no other write of the record has: a filter on it makes\n"
      "`update` and `delete` conditional");
  arguments->snapshot.AddTo(command);
  AddExample(command,
             "  viper get films alien heat --fields title,year\n"
             "\n"
             "Exit code 1 if one of them does not exist; the others are printed all the same.");
  command.OnChosen([arguments, &session] {
    session.run = [arguments, &session] { return Run(session, *arguments); };
  });
}

}  // namespace viper::cli
