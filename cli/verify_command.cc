#include <memory>
#include <string>

#include <fmt/core.h>

#include "collection_argument.h"
#include "commands.h"
#include "finding_text.h"
#include "interrupt.h"
#include "progress_line.h"
#include "status_macros.h"

namespace viper::cli {
namespace {

struct Arguments {
  std::string name;
  bool json = false;
};

Status Run(const Session& session, const Arguments& arguments) {
  CatchInterrupts();
  VIPER_ASSIGN_OR_RETURN(const Engine engine, session.OpenEngine(Access::kRead));
  ProgressLine line;
  VerifyOptions options;
  options.progress = [&line](const VerifyProgress& progress) {
    line.ShowBytes(progress.bytes_done, progress.bytes_total);
    return !Interrupted();
  };
  VIPER_ASSIGN_OR_RETURN(const VerifyReport report, engine.Verify(arguments.name, options));
  line.Clear();
  if (arguments.json) {
    fmt::print("{}\n", ToValue(report).ToJson());
  } else {
    for (const VerifyFinding& finding : report.findings) fmt::print("{}", FindingText(finding));
    fmt::print("{}", VerifySummaryText(report));
  }
  if (report.is_sound()) return Status::Ok();
  return Status::Corruption(fmt::format(
      "collection '{}' is damaged; `viper repair` mends what can be mended", arguments.name));
}

}  // namespace

void AddVerifyCommand(Command& program, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  Command command = program.AddCommand("verify", "Check every file of a collection, byte by byte");
  AddCollection(command, arguments->name);
  command.AddFlag("--json", arguments->json, "Print one JSON object: findings and what was read");
  AddExample(
      command,
      "  viper verify films\n"
      "\n"
      "Changes nothing and takes no lock, so that it may run beside a writer. Findings are of\n"
      "four kinds: truth (what holds records is damaged), derived (what is made from other\n"
      "files is damaged or missing), leftover (a file that nobody needs) and note. The exit\n"
      "code is 0 if nothing is damaged, and 4 if something is.");
  command.OnChosen([arguments, &session] {
    session.run = [arguments, &session] { return Run(session, *arguments); };
  });
}

}  // namespace viper::cli
