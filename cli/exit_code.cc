#include "exit_code.h"

#include <cstdio>

#include <fmt/core.h>

namespace viper::cli {

ExitCode ExitCodeOf(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return kExitOk;
    case StatusCode::kNotFound:
      return kExitNotFound;
    case StatusCode::kInvalidArgument:
      return kExitInvalid;
    case StatusCode::kAlreadyExists:
    case StatusCode::kFailedPrecondition:
    case StatusCode::kConflict:
      return kExitConflict;
    case StatusCode::kCorruption:
    case StatusCode::kUnsupported:
      return kExitCorruption;
    case StatusCode::kIoError:
    case StatusCode::kResourceExhausted:
    case StatusCode::kDeadlineExceeded:
      return kExitIo;
    case StatusCode::kBusy:
      return kExitBusy;
    case StatusCode::kCancelled:
      return kExitInterrupted;
  }
  return kExitIo;
}

void Tell(std::string_view line) { std::fputs(fmt::format("viper: {}\n", line).c_str(), stderr); }

ExitCode Report(const Status& status) {
  if (!status.ok()) Tell(status.message());
  return ExitCodeOf(status.code());
}

}  // namespace viper::cli
