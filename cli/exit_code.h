#pragma once

#include <string_view>

#include "viper/status.h"

namespace viper::cli {

/// What the process ends with. Part of the interface (`viper --help`): never renumber.
enum ExitCode : int {
  kExitOk = 0,
  /// Something named does not exist: a collection, a record, a file.
  kExitNotFound = 1,
  /// Wrong usage or an invalid argument, bad input included.
  kExitInvalid = 2,
  /// Exists already, or the state does not allow it.
  kExitConflict = 3,
  /// Stored bytes are damaged or need what this build does not have.
  kExitCorruption = 4,
  /// The system refused: input or output, no space left.
  kExitIo = 5,
  /// Another process is writing the collection.
  kExitBusy = 6,
  /// Ctrl-C, as of a shell: 128 + SIGINT.
  kExitInterrupted = 130,
};

ExitCode ExitCodeOf(StatusCode code);

/// Print "viper: <line>" to standard error. Where that takes no more, nobody can be told.
void Tell(std::string_view line);

/// Tell the message, and return the exit code; nothing for OK.
ExitCode Report(const Status& status);

}  // namespace viper::cli
