#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "viper/export.h"

namespace viper {

/// Why an operation failed. The values are part of the API and never renumbered.
enum class StatusCode : uint8_t {
  kOk = 0,
  /// The caller passed something that can never work: a wrong dimension, a bad filter, a bad name.
  kInvalidArgument = 1,
  /// The named collection, record or file does not exist.
  kNotFound = 2,
  /// The collection or record exists and the call asked that it should not.
  kAlreadyExists = 3,
  /// The object is in a state that does not allow the call (closed, opened read-only, poisoned).
  kFailedPrecondition = 4,
  /// Stored bytes are damaged. The message names the file, the offset and what is lost.
  kCorruption = 5,
  /// The operating system refused a file operation.
  kIoError = 6,
  /// The data need a newer version or a feature that this build does not have.
  kUnsupported = 7,
  /// Out of disk space or over a configured limit. Nothing was changed; retrying later may work.
  kResourceExhausted = 8,
  /// Another process holds the writer lock.
  kBusy = 9,
  /// Somebody else committed a change that contradicts this one.
  kConflict = 10,
  /// The caller cancelled the operation.
  kCancelled = 11,
  /// The deadline passed before the operation was done.
  kDeadlineExceeded = 12,
};

/// Return the name of a code, as in "InvalidArgument".
VIPER_EXPORT std::string_view StatusCodeName(StatusCode code);

/// The outcome of an operation: OK, or a code and a message that names what failed, where, and the
/// offending values. One pointer wide; OK costs nothing. Copies share the message.
/// Thread-compatible.
class VIPER_EXPORT_NODISCARD Status {
 public:
  /// Make an OK status.
  Status() = default;
  /// Make a failure. `code` must not be kOk.
  Status(StatusCode code, std::string message);

  static Status Ok() { return {}; }
  static Status InvalidArgument(std::string message);
  static Status NotFound(std::string message);
  static Status AlreadyExists(std::string message);
  static Status FailedPrecondition(std::string message);
  static Status Corruption(std::string message);
  static Status IoError(std::string message);
  static Status Unsupported(std::string message);
  static Status ResourceExhausted(std::string message);
  static Status Busy(std::string message);
  static Status Conflict(std::string message);
  static Status Cancelled(std::string message);
  static Status DeadlineExceeded(std::string message);

  bool ok() const { return state_ == nullptr; }
  StatusCode code() const;
  /// The message without the code; empty when OK.
  const std::string& message() const;
  /// "OK" or "InvalidArgument: message".
  std::string ToString() const;
  /// The same failure with `context` and ": " before its message; OK stays OK.
  Status WithContext(std::string_view context) const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace viper
