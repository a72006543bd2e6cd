#include "collection_argument.h"

#include <string_view>
#include <utility>

#include <fmt/core.h>

#include "duration_text.h"
#include "input_lines.h"
#include "status_macros.h"

namespace viper::cli {
namespace {

constexpr std::string_view kDefaultRetention = "default";

Result<std::optional<int64_t>> ParseRetention(const std::string& text) {
  if (text == kDefaultRetention) return std::optional<int64_t>();
  if (text == "0") return std::optional<int64_t>(0);
  auto duration = ParseDuration("--retention", text);
  // A 0 of another kind: somebody may mean by it that nothing is ever removed.
  if (duration.ok() && *duration > 0) return std::optional(*duration);
  return Status::InvalidArgument(
      fmt::format("--retention: a duration such as 12h or 7d, 0, or default: actual='{}'", text));
}

}  // namespace

std::string RetentionText(const std::optional<int64_t>& retention_ms) {
  if (!retention_ms) return std::string(kDefaultRetention);
  return *retention_ms == 0 ? "0" : DurationText(*retention_ms);
}

void AddCollection(Command& command, std::string& name) {
  command.AddRequired("NAME", name, "Name of the collection");
}

void AddFilter(Command& command, std::string& text) {
  command.AddOption("--filter", text,
                    "Only records that match, such as \"year >= 2000 AND title LIKE 'A%'\"");
}

void PropertyArguments::AddTo(Command& command) {
  command.AddOption("--default-ttl", default_ttl,
                    "Records without an expiry of their own expire so long after they were "
                    "written:\n90s, 15m, 12h, 7d, or never");
  command.AddOption("--undeclared", undeclared,
                    "Metadata keys that no field is declared for: keep or refuse");
  command.AddOption("--retention", retention,
                    "How long what older versions need is kept, whoever opens the collection: 12h, "
                    "7d, 0,\nor default: as the options of each who opens it say");
}

Result<CollectionProperties> PropertyArguments::Apply(CollectionProperties properties) const {
  if (!default_ttl.empty()) {
    VIPER_ASSIGN_OR_RETURN(properties.default_ttl_ms, ParseDuration("--default-ttl", default_ttl));
  }
  if (!undeclared.empty()) {
    auto parsed = ParseUndeclaredKeys(undeclared);
    if (!parsed.ok()) return parsed.status().WithContext("--undeclared");
    properties.undeclared_keys = *parsed;
  }
  if (!retention.empty()) {
    VIPER_ASSIGN_OR_RETURN(properties.retention_ms, ParseRetention(retention));
  }
  return properties;
}

void AddExample(Command& command, const std::string& lines) {
  command.SetFooter("Example:\n" + lines);
}

void ProjectionArguments::AddTo(Command& command) {
  command.AddCommaSeparated("--fields", fields, "Only these metadata keys, separated by commas");
  command.AddFlag("--with-vector", with_vector, "Print vectors too");
}

void SnapshotArguments::AddTo(Command& command) {
  command.AddOption("--version", version_,
                    "Read this version of the table (viper versions lists them)");
  command.AddOption("--as-of", as_of_, "Read the table as it was at this time, in ISO 8601");
}

Result<Snapshot> SnapshotArguments::Take(const Collection& collection) const {
  if (version_ != kNewest && !as_of_.empty()) {
    return Status::InvalidArgument("name the state to read in one way: --version or --as-of");
  }
  if (version_ != kNewest) {
    return collection.GetSnapshotOfVersion(static_cast<int64_t>(version_));
  }
  if (as_of_.empty()) return collection.GetSnapshot();
  VIPER_ASSIGN_OR_RETURN(const Timestamp time, Timestamp::Parse(as_of_));
  return collection.GetSnapshotOfTime(time);
}

void IdArguments::AddTo(Command& command) {
  command_ = command;
  command.AddOption("ID", first_, "Ids of the records, any number of them");
  command.AddOption("--file", file_, "A file with one id on each line (-: standard input)");
  command.AcceptExtras();
}

Status IdArguments::Check() const {
  for (const std::string& other : command_->extras()) {
    if (!other.starts_with('-')) continue;
    return Status::InvalidArgument(fmt::format(
        "unknown option of this command (those of the program stand before it, and an id "
        "that begins with - goes into --file): {}",
        other));
  }
  return Status::Ok();
}

Status IdArguments::ForEach(const std::function<Status(std::string)>& visit) const {
  VIPER_RETURN_IF_ERROR(Check());
  if (first_.empty() == file_.empty()) {
    return Status::InvalidArgument("name the records: ids, or --file with one id on each line");
  }
  if (!first_.empty()) VIPER_RETURN_IF_ERROR(visit(first_));
  for (const std::string& other : command_->extras()) VIPER_RETURN_IF_ERROR(visit(other));
  if (file_.empty()) return Status::Ok();
  VIPER_ASSIGN_OR_RETURN(InputLines lines, InputLines::Open(file_));
  while (true) {
    VIPER_ASSIGN_OR_RETURN(std::optional<std::string> id, lines.Next());
    if (!id.has_value()) return Status::Ok();
    VIPER_RETURN_IF_ERROR(visit(std::move(*id)));
  }
}

Result<std::vector<Field>> ParseFields(const std::vector<std::string>& declarations) {
  std::vector<Field> fields;
  for (const std::string& declaration : declarations) {
    const size_t colon = declaration.find(':');
    if (colon == std::string::npos) {
      return Status::InvalidArgument(fmt::format(
          "a field is declared as name:type, such as year:int64: actual={}", declaration));
    }
    VIPER_ASSIGN_OR_RETURN(const FieldType type, ParseFieldType(declaration.substr(colon + 1)));
    fields.push_back({declaration.substr(0, colon), type});
  }
  return fields;
}

}  // namespace viper::cli
