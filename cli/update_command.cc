#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "collection_argument.h"
#include "commands.h"
#include "status_macros.h"
#include "write_target.h"

namespace viper::cli {
namespace {

struct Arguments {
  std::string name;
  WriteTarget target;
  std::vector<std::string> set;
  std::vector<std::string> unset;
  bool replace_all = false;
};

Status ParseSetting(const std::string& setting, Metadata& metadata) {
  const size_t equals = setting.find('=');
  if (equals == std::string::npos) {
    return Status::InvalidArgument(
        fmt::format("--set takes key=value, such as year=1979: actual={}", setting));
  }
  std::string key = setting.substr(0, equals);
  Result<Value> value = Value::FromJson(std::string_view(setting).substr(equals + 1));
  if (!value.ok()) {
    return Status::InvalidArgument(
        fmt::format("--set {}: the value is no JSON (text stands in double quotes, as in "
                    "'title=\"Alien\"'): {}",
                    key, value.status().message()));
  }
  if (!metadata.emplace(key, std::move(*value)).second) {
    return Status::InvalidArgument(fmt::format("--set names the key '{}' twice", key));
  }
  return Status::Ok();
}

Result<MetadataChange> ChangeOf(const Arguments& arguments) {
  if (arguments.set.empty() && arguments.unset.empty() && !arguments.replace_all) {
    return Status::InvalidArgument("nothing to change: give --set key=value or --unset key");
  }
  MetadataChange change;
  for (const std::string& setting : arguments.set) {
    VIPER_RETURN_IF_ERROR(ParseSetting(setting, change.set));
  }
  change.remove = arguments.unset;
  change.replace_all = arguments.replace_all;
  return change;
}

Status Run(const Session& session, Arguments& arguments) {
  VIPER_RETURN_IF_ERROR(arguments.target.Check());
  VIPER_ASSIGN_OR_RETURN(const MetadataChange change, ChangeOf(arguments));
  VIPER_ASSIGN_OR_RETURN(const OpenedCollection opened,
                         OpenCollection(session, arguments.name, Access::kWrite));
  return arguments.target.Write(
      {.by_ids =
           [&](std::span<const std::string> ids) { return opened->UpdateMetadata(ids, change); },
       .by_filter = [&](const Filter& filter) { return opened->UpdateMetadata(filter, change); }},
      "updated");
}

}  // namespace

void AddUpdateCommand(Command& program, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  Command command =
      program.AddCommand("update", "Change the metadata of records by id or by filter");
  AddCollection(command, arguments->name);
  arguments->target.AddTo(command);
  command.AddRepeated("--set", arguments->set,
                      "A metadata key and its new value in JSON, as key=value; may be repeated");
  command.AddRepeated("--unset", arguments->unset, "A metadata key to remove; may be repeated");
  command.AddFlag("--replace-all", arguments->replace_all,
                  "Remove all metadata that --set does not name");
  AddExample(command,
             "  viper update films alien --set year=1979 --set 'title=\"Alien\"'\n"
             "  viper update films --filter \"year < 1970\" --set 'era=\"old\"' --unset draft\n"
             "\n"
             "Vectors and times stay. Ids that do not exist are ignored.");
  command.OnChosen([arguments, &session] {
    session.run = [arguments, &session] { return Run(session, *arguments); };
  });
}

}  // namespace viper::cli
