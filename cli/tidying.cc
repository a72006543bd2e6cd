#include "tidying.h"

#include <string>

#include "exit_code.h"
#include "index_build.h"
#include "interrupt.h"
#include "status_macros.h"

namespace viper::cli {
namespace {

Status CompactWhatPays(Collection& collection) {
  CompactOptions options;
  options.progress = [](double) { return !Interrupted(); };
  VIPER_ASSIGN_OR_RETURN(const CompactionReport report, collection.Compact(options));
  if (!report.steps.empty()) VIPER_RETURN_IF_ERROR(BringIndexUp(collection, false));
  return collection.Vacuum({}).status();
}

}  // namespace

void TidyUp(Collection& collection) {
  const Status tidied = CompactWhatPays(collection);
  if (!tidied.ok()) Tell("compaction after the write: " + tidied.ToString());
}

void AddNoCompaction(Command& command, bool& no_compaction) {
  command.AddFlag(
      "--no-compaction", no_compaction,
      "Leave the files as they are written, however many there are; else they are merged\n"
      "where that pays, and what no retained version needs is removed");
}

}  // namespace viper::cli
