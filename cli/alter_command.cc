#include <memory>
#include <string>

#include <fmt/core.h>

#include "collection_argument.h"
#include "commands.h"
#include "duration_text.h"
#include "status_macros.h"

namespace viper::cli {
namespace {

struct Arguments {
  std::string name;
  PropertyArguments properties;
};

Status Run(const Session& session, const Arguments& arguments) {
  if (arguments.properties.empty()) {
    return Status::InvalidArgument(
        "nothing to change: give --default-ttl, --undeclared or --retention");
  }
  VIPER_RETURN_IF_ERROR(arguments.properties.Apply({}).status());
  VIPER_ASSIGN_OR_RETURN(const OpenedCollection opened,
                         OpenCollection(session, arguments.name, Access::kWrite));
  const CollectionProperties before = opened->Properties();
  VIPER_ASSIGN_OR_RETURN(const CollectionProperties after, arguments.properties.Apply(before));
  VIPER_RETURN_IF_ERROR(opened->SetProperties(after));
  fmt::print("altered {}:", arguments.name);
  if (!arguments.properties.default_ttl.empty()) {
    fmt::print(" default_ttl={} (was {})", DurationText(after.default_ttl_ms),
               DurationText(before.default_ttl_ms));
  }
  if (!arguments.properties.undeclared.empty()) {
    fmt::print(" undeclared={} (was {})", UndeclaredKeysName(after.undeclared_keys),
               UndeclaredKeysName(before.undeclared_keys));
  }
  if (!arguments.properties.retention.empty()) {
    fmt::print(" retention={} (was {})", RetentionText(after.retention_ms),
               RetentionText(before.retention_ms));
  }
  fmt::print("\n");
  return Status::Ok();
}

}  // namespace

void AddAlterCommand(Command& program, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  Command command = program.AddCommand("alter", "Change the properties of a collection");
  AddCollection(command, arguments->name);
  arguments->properties.AddTo(command);
  AddExample(command,
             "  viper alter sessions --default-ttl 12h\n"
             "  viper alter sessions --default-ttl never --undeclared refuse\n"
             "  viper alter sessions --retention 7d\n"
             "\n"
             "What is written from then on goes by it; records that are there stay as they are.");
  command.OnChosen([arguments, &session] {
    session.run = [arguments, &session] { return Run(session, *arguments); };
  });
}

}  // namespace viper::cli
