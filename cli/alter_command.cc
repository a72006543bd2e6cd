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
  std::string default_ttl;
};

Status Run(const Session& session, const Arguments& arguments) {
  if (arguments.default_ttl.empty()) {
    return Status::InvalidArgument("nothing to change: give --default-ttl");
  }
  VIPER_ASSIGN_OR_RETURN(const int64_t ttl_ms,
                         ParseDuration("--default-ttl", arguments.default_ttl));
  VIPER_ASSIGN_OR_RETURN(const OpenedCollection opened,
                         OpenCollection(session, arguments.name, Access::kWrite));
  CollectionProperties properties = opened->Properties();
  const int64_t before = properties.default_ttl_ms;
  properties.default_ttl_ms = ttl_ms;
  VIPER_RETURN_IF_ERROR(opened->SetProperties(properties));
  fmt::print("altered {}: default_ttl={} (was {})\n", arguments.name, DurationText(ttl_ms),
             DurationText(before));
  return Status::Ok();
}

}  // namespace

void AddAlterCommand(Command& program, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  Command command = program.AddCommand("alter", "Change the properties of a collection");
  AddCollection(command, arguments->name);
  AddDefaultTtl(command, arguments->default_ttl);
  AddExample(command,
             "  viper alter sessions --default-ttl 12h\n"
             "  viper alter sessions --default-ttl never\n"
             "\n"
             "What is written from then on goes by it; records that are there stay as they are.");
  command.OnChosen([arguments, &session] {
    session.run = [arguments, &session] { return Run(session, *arguments); };
  });
}

}  // namespace viper::cli
