#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "collection_argument.h"
#include "commands.h"
#include "index_build.h"
#include "number_text.h"
#include "status_macros.h"
#include "table.h"
#include "terminal.h"

namespace viper::cli {
namespace {

using Align = Table::Align;

struct Arguments {
  std::string name;
  std::vector<std::string> add;
  std::vector<std::string> widen;
  uint64_t sample = 0;
  bool advise = false;
  bool json = false;
};

void PrintFields(const std::vector<FieldReport>& fields) {
  Table table({{"field"},
               {"type"},
               {"values", Align::kRight},
               {"parked", Align::kRight},
               {"null", Align::kRight},
               {"absent", Align::kRight},
               {"a parked value"}});
  for (const FieldReport& report : fields) {
    table.AddRow(
        {report.field.name, std::string(FieldTypeName(report.field.type)), CountText(report.values),
         CountText(report.parked), CountText(report.nulls), CountText(report.absent),
         report.parked == 0 ? ""
                            : fmt::format("{} of '{}'", report.parked_example, report.parked_id)});
  }
  if (!fields.empty()) fmt::print("{}", table.Render(TerminalWidth()));
}

/// "integers 12, strings 3", the kinds that there are.
std::string KindsText(const KeyReport& key) {
  const std::pair<const char*, uint64_t> kinds[] = {{"bools", key.bools},
                                                    {"integers", key.integers},
                                                    {"floats", key.floats},
                                                    {"strings", key.strings},
                                                    {"lists of strings", key.string_lists},
                                                    {"lists", key.other_lists},
                                                    {"objects", key.objects},
                                                    {"nulls", key.nulls}};
  std::string text;
  for (const auto& [kind, count] : kinds) {
    if (count == 0) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", CountText(count), kind);
  }
  return text;
}

std::string ShareText(uint64_t part, uint64_t whole) {
  return whole == 0 ? ""
                    : fmt::format("{:.3g} %",
                                  100 * static_cast<double>(part) / static_cast<double>(whole));
}

void PrintKeys(const SchemaReport& report) {
  Table table({{"undeclared key"},
               {"records", Align::kRight},
               {"share", Align::kRight},
               {"different", Align::kRight},
               {"bytes", Align::kRight},
               {"values"}});
  for (const KeyReport& key : report.keys) {
    table.AddRow({key.key, CountText(key.rows), ShareText(key.rows, report.rows_read),
                  (key.distinct_is_exact ? "" : "about ") + CountText(key.distinct_values),
                  BytesText(key.json_bytes), KindsText(key)});
  }
  if (!report.keys.empty()) fmt::print("{}", table.Render(TerminalWidth()));
  if (report.has_more_keys) fmt::print("and more keys, which are not counted\n");
}

void PrintAdvice(const SchemaReport& report) {
  Table table({{"undeclared key"}, {"declare"}, {"because"}});
  for (const KeyReport& key : report.keys) {
    table.AddRow({key.key,
                  key.is_worth_declaring ? fmt::format("as {}", FieldTypeName(*key.type)) : "no",
                  key.reason});
  }
  if (!report.keys.empty()) fmt::print("{}", table.Render(TerminalWidth()));
}

Status Show(const Session& session, const Arguments& arguments) {
  VIPER_ASSIGN_OR_RETURN(const OpenedCollection opened,
                         OpenCollection(session, arguments.name, Access::kRead));
  VIPER_ASSIGN_OR_RETURN(const SchemaReport report,
                         opened->ReportSchema({.sample_rows = arguments.sample}));
  if (arguments.json) {
    fmt::print("{}\n", ToValue(report).ToJson());
    return Status::Ok();
  }
  PrintFields(report.fields);
  if (arguments.advise) {
    PrintAdvice(report);
  } else {
    PrintKeys(report);
  }
  fmt::print("{} of {} records read, {} of JSON parsed, in {}\n", CountText(report.rows_read),
             CountText(report.rows), BytesText(report.json_bytes), SecondsText(report.seconds));
  return Status::Ok();
}

/// Both kinds of change; each field that is widened is a commit of its own.
Result<SchemaChangeReport> Change(Collection& collection, const Arguments& arguments) {
  VIPER_ASSIGN_OR_RETURN(const std::vector<Field> added, ParseFields(arguments.add));
  VIPER_ASSIGN_OR_RETURN(const std::vector<Field> widened, ParseFields(arguments.widen));
  SchemaChangeReport total;
  if (!added.empty()) {
    VIPER_ASSIGN_OR_RETURN(total, collection.AddFields(added));
  }
  for (const Field& field : widened) {
    VIPER_ASSIGN_OR_RETURN(SchemaChangeReport report, collection.WidenField(field));
    total.table_version = report.table_version;
    total.fields.push_back(std::move(report.fields.front()));
  }
  // Files that were written anew are in the index again, if there is one: nobody is there to do it
  // in the background.
  if (!widened.empty() && collection.Statistics().index_clusters > 0) {
    VIPER_RETURN_IF_ERROR(arguments.json ? collection.BuildIndex() : BuildIndexShown(collection));
  }
  return total;
}

Status Run(const Session& session, const Arguments& arguments) {
  if (arguments.add.empty() && arguments.widen.empty()) return Show(session, arguments);
  VIPER_ASSIGN_OR_RETURN(const OpenedCollection opened,
                         OpenCollection(session, arguments.name, Access::kWrite));
  VIPER_ASSIGN_OR_RETURN(const SchemaChangeReport report, Change(*opened.collection, arguments));
  if (arguments.json) {
    fmt::print("{}\n", ToValue(report).ToJson());
    return Status::Ok();
  }
  PrintFields(report.fields);
  fmt::print("since version {} of the table\n", report.table_version);
  return Status::Ok();
}

}  // namespace

void AddSchemaCommand(Command& program, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  Command command = program.AddCommand("schema", "Show, advise on and change the declared fields");
  AddCollection(command, arguments->name);
  command.AddFlag("--advise", arguments->advise,
                  "Say which other metadata keys are worth declaring, and why");
  command.AddOption("--sample", arguments->sample,
                    "Read about so many records, evenly chosen (default: all)");
  command.AddRepeated("--add", arguments->add,
                      "Declare a field, as name:type, for old records and new; may be repeated");
  command.AddRepeated("--widen", arguments->widen,
                      "Give a field a wider type, as name:float64 for one of int64: writes all\n"
                      "files anew");
  command.AddFlag("--json", arguments->json, "Print one JSON object");
  AddExample(command,
             "  viper schema films\n"
             "  viper schema films --advise\n"
             "  viper schema films --add year:int64 --add 'tags:list<string>'\n"
             "  viper schema films --widen year:float64\n"
             "\n"
             "Values that do not fit a field declared later are parked: their records give them\n"
             "back, filters take them for null.");
  command.OnChosen([arguments, &session] {
    session.run = [arguments, &session] { return Run(session, *arguments); };
  });
}

}  // namespace viper::cli
