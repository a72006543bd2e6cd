// The command line program `viper`: one file per command, over the public API only.

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <optional>
#include <string>
#include <system_error>

#include "command_line.h"
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

void AddGlobalOptions(Command& program, Session& session) {
  session.root = DefaultRoot();
  program.AddOption("--root", session.root,
                    "Directory of the collections (VIPER_ROOT, else ./viper-data)");
  program.AddOptionWithDefault(
      "--durability", session.durability,
      "What an acknowledged write has survived: sync (power loss), interval, none");
  program.AddOptionWithDefault(
      "--deletes", session.deletes,
      "How rows that died leave the table at a flush: rewrite (their files are written anew),\n"
      "vectors (deletion vectors, which some readers refuse), auto (what costs less)");
  program.AddOptionWithDefault(
      "--policy", session.policy,
      "What the files that are written are made for: speed (vectors are read where they lie),\n"
      "size (vectors are compressed too, where that saves bytes)");
  program.AddOptionWithDefault(
      "--compression", session.compression,
      "adaptive (chosen for each column by trial), or of all columns: none, lz4, snappy, zstd,\n"
      "gzip or brotli, these three also with a level: zstd:9");
  program.AddOptionWithDefault(
      "--vector-format", session.vector_format,
      "How sparse vectors are written: adaptive (by the components that are not zero, where\n"
      "that pays), sparse (always so), dense (never)");
  program.AddOptionWithDefault("--sparsity-threshold", session.sparsity_threshold,
                               "Share of zeros above which a vector counts as sparse, 0 to 1");
  program.AddOptionWithDefault("--threads", session.threads,
                               "Threads of one search; 0 = one per core");
  program.AddOptionWithDefault(
      "--memory-limit", session.memory_limit_mib,
      "MiB that may be taken in memory, mapped files apart; 0 = as much as "
      "each part\nof the work wants, else 64 or more");
  program.AddOption(
      "--accept-loss-from", session.accept_loss_from,
      "Open a collection with a damaged log by giving up the writes from this sequence\n"
      "number on, as the refusal names it");
}

void AddCommands(Command& program, Session& session) {
  AddCreateCommand(program, session);
  AddAlterCommand(program, session);
  AddImportCommand(program, session);
  AddSearchCommand(program, session);
  AddGetCommand(program, session);
  AddCountCommand(program, session);
  AddScrollCommand(program, session);
  AddExportCommand(program, session);
  AddInfoCommand(program, session);
  AddSchemaCommand(program, session);
  AddListCommand(program, session);
  AddVersionsCommand(program, session);
  AddIndexCommand(program, session);
  AddClustersCommand(program, session);
  AddBenchCommand(program, session);
  AddVerifyCommand(program, session);
  AddRepairCommand(program, session);
  AddInspectCommand(program, session);
  AddFlushCommand(program, session);
  AddCompactCommand(program, session);
  AddUpdateCommand(program, session);
  AddDeleteCommand(program, session);
  AddDropCommand(program, session);
  AddDemoCommand(program, session);
}

/// Do what was chosen. What libraries throw ends here: fmt does when standard output takes no more,
/// the standard library when there is no memory.
Status RunChosen(const Session& session) {
  try {
    return session.run();
  } catch (const std::bad_alloc&) {
    return Status::ResourceExhausted("out of memory");
  } catch (const std::system_error& error) {
    if (std::ferror(stdout) == 0) return Status::IoError(error.what());
    return Status::IoError("cannot write to standard output: " + error.code().message());
  } catch (const std::exception& error) {
    return Status::IoError(error.what());
  }
}

int Main(int argc, char** argv) {
  // Who reads a part of the output, as `head` does, ends the program without a word, whatever the
  // caller does about the signal.
  std::signal(SIGPIPE, SIG_DFL);
  CommandLine line({.name = "viper", .description = kDescription, .footer = kFooter});
  Session session;
  Command program = line.program();
  AddGlobalOptions(program, session);
  line.AddVersion(std::string("viper ") + kVersionString);
  AddCommands(program, session);
  const std::optional<int> ended = line.Parse(argc, argv);
  const int code = ended.has_value() ? *ended : Report(RunChosen(session));
  // Output that was not written is not a success, for example on a full disk.
  const bool is_written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (!is_written && code == kExitOk) {
    return Report(Status::IoError("cannot write to standard output"));
  }
  return code;
}

}  // namespace
}  // namespace viper::cli

int main(int argc, char** argv) { return viper::cli::Main(argc, argv); }
