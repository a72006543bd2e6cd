// The command line program `viper`: one file per command, over the public API only.

#include <cstdio>
#include <cstdlib>
#include <string>

#include <fmt/core.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "commands.h"
#include "exit_code.h"
#include "session.h"
#include "viper/version.h"

namespace viper::cli {
namespace {

constexpr const char* kDescription =
    "VIPER keeps collections of vectors with metadata in a directory: each one is an open Delta "
    "Lake\n"
    "table that can be searched by similarity.";

constexpr const char* kFooter =
    "A first session:\n"
    "  viper create films --dim 3 --metric cosine --field year:int64\n"
    "  echo '{\"id\": \"alien\", \"vector\": [0.9, 0.1, 0.4], \"year\": 1979}' > films.jsonl\n"
    "  viper import films films.jsonl\n"
    "  viper search films --vector '[1, 0, 0.5]' --filter 'year < 1990'\n"
    "\n"
    "`viper COMMAND --help` explains a command. Errors go to standard error as `viper: "
    "<message>`.\n"
    "Exit codes: 0 ok; 1 not found; 2 wrong usage or invalid input; 3 exists already or "
    "conflicts;\n"
    "4 stored data are damaged or unsupported; 5 input/output failed or no space left; 6 another\n"
    "process is writing the collection; 130 interrupted.";

std::string DefaultRoot() {
  const char* root = std::getenv("VIPER_ROOT");
  return root != nullptr && *root != '\0' ? root : "./viper-data";
}

void AddGlobalOptions(CLI::App& app, Session& session) {
  session.root = DefaultRoot();
  app.add_option("--root", session.root,
                 "Directory of the collections (VIPER_ROOT, else ./viper-data)");
  app.add_option("--durability", session.durability,
                 "What an acknowledged write has survived: sync (power loss), interval, none")
      ->capture_default_str();
  app.add_option("--threads", session.threads, "Threads of one search; 0 = one per core")
      ->capture_default_str();
  app.add_option("--accept-loss-from", session.accept_loss_from,
                 "Open a collection with a damaged log by giving up the writes from this sequence\n"
                 "number on, as the refusal names it");
  app.set_version_flag("--version", std::string("viper ") + kVersionString);
}

void AddCommands(CLI::App& app, Session& session) {
  AddCreateCommand(app, session);
  AddImportCommand(app, session);
  AddSearchCommand(app, session);
  AddGetCommand(app, session);
  AddCountCommand(app, session);
  AddScrollCommand(app, session);
  AddExportCommand(app, session);
  AddInfoCommand(app, session);
  AddListCommand(app, session);
  AddIndexCommand(app, session);
  AddBenchCommand(app, session);
  AddFlushCommand(app, session);
  AddDeleteCommand(app, session);
  AddDropCommand(app, session);
  AddDemoCommand(app, session);
}

int Main(int argc, char** argv) {
  CLI::App app(kDescription, "viper");
  app.footer(kFooter);
  app.require_subcommand(1);
  app.fallthrough();
  Session session;
  AddGlobalOptions(app, session);
  AddCommands(app, session);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& request) {
    return app.exit(request);  // --help and --version
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "viper: {} (see viper --help)\n", error.what());
    return kExitInvalid;
  }
  const ExitCode code = Report(session.run());
  // Output that was not written is not a success, for example on a full disk.
  if (std::fflush(stdout) != 0 && code == kExitOk) {
    return Report(Status::IoError("cannot write to standard output"));
  }
  return code;
}

}  // namespace
}  // namespace viper::cli

int main(int argc, char** argv) { return viper::cli::Main(argc, argv); }
