#include "viper/status.h"

#include <fmt/core.h>

#include "base/assert.h"

namespace viper {

struct Status::State {
  StatusCode code;
  std::string message;
};

std::string_view StatusCodeName(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return "OK";
    case StatusCode::kInvalidArgument:
      return "InvalidArgument";
    case StatusCode::kNotFound:
      return "NotFound";
    case StatusCode::kAlreadyExists:
      return "AlreadyExists";
    case StatusCode::kFailedPrecondition:
      return "FailedPrecondition";
    case StatusCode::kCorruption:
      return "Corruption";
    case StatusCode::kIoError:
      return "IoError";
    case StatusCode::kUnsupported:
      return "Unsupported";
    case StatusCode::kResourceExhausted:
      return "ResourceExhausted";
    case StatusCode::kBusy:
      return "Busy";
    case StatusCode::kConflict:
      return "Conflict";
    case StatusCode::kCancelled:
      return "Cancelled";
    case StatusCode::kDeadlineExceeded:
      return "DeadlineExceeded";
  }
  return "UnknownStatusCode";
}

Status::Status(StatusCode code, std::string message)
    : state_(std::make_shared<const State>(State{code, std::move(message)})) {
  VIPER_ASSERT(code != StatusCode::kOk);
}

Status Status::InvalidArgument(std::string message) {
  return {StatusCode::kInvalidArgument, std::move(message)};
}
Status Status::NotFound(std::string message) { return {StatusCode::kNotFound, std::move(message)}; }
Status Status::AlreadyExists(std::string message) {
  return {StatusCode::kAlreadyExists, std::move(message)};
}
Status Status::FailedPrecondition(std::string message) {
  return {StatusCode::kFailedPrecondition, std::move(message)};
}
Status Status::Corruption(std::string message) {
  return {StatusCode::kCorruption, std::move(message)};
}
Status Status::IoError(std::string message) { return {StatusCode::kIoError, std::move(message)}; }
Status Status::Unsupported(std::string message) {
  return {StatusCode::kUnsupported, std::move(message)};
}
Status Status::ResourceExhausted(std::string message) {
  return {StatusCode::kResourceExhausted, std::move(message)};
}
Status Status::Busy(std::string message) { return {StatusCode::kBusy, std::move(message)}; }
Status Status::Conflict(std::string message) { return {StatusCode::kConflict, std::move(message)}; }
Status Status::Cancelled(std::string message) {
  return {StatusCode::kCancelled, std::move(message)};
}
Status Status::DeadlineExceeded(std::string message) {
  return {StatusCode::kDeadlineExceeded, std::move(message)};
}

StatusCode Status::code() const { return ok() ? StatusCode::kOk : state_->code; }

const std::string& Status::message() const {
  static const std::string empty;
  return ok() ? empty : state_->message;
}

std::string Status::ToString() const {
  return ok() ? "OK" : fmt::format("{}: {}", StatusCodeName(state_->code), state_->message);
}

Status Status::WithContext(std::string_view context) const {
  return ok() ? Status() : Status(state_->code, fmt::format("{}: {}", context, state_->message));
}

}  // namespace viper
