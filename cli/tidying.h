#pragma once

#include "command_line.h"
#include "viper/engine.h"

namespace viper::cli {

/// What an engine that stays open does in the background, for a command that has made files:
/// compact what pays, remove what no retained version needs, and bring the index up to the files.
/// However often such commands run, files and versions stay bounded. A failure, which takes nothing
/// from what the command did, is told on standard error.
void TidyUp(Collection& collection);
/// Add --no-compaction, by which a command leaves that to others.
void AddNoCompaction(Command& command, bool& no_compaction);

}  // namespace viper::cli
