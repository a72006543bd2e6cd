#include "platform/posix_error.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/core.h>

namespace viper {
namespace {

std::string ErrorText(int error) {
  const std::string text = std::generic_category().message(error);
#if defined(__GLIBC__)
  if (const char* name = strerrorname_np(error)) return fmt::format("{} ({})", text, name);
#endif
  return fmt::format("{} (errno={})", text, error);
}

}  // namespace

Status PosixError(std::string_view operation, std::string_view path, int error) {
  std::string message = fmt::format("cannot {} '{}': {}", operation, path, ErrorText(error));
  switch (error) {
    case ENOENT:
      return Status::NotFound(std::move(message));
    case EEXIST:
      return Status::AlreadyExists(std::move(message));
    case ENOSPC:
    case EDQUOT:
      return Status::ResourceExhausted(std::move(message));
    default:
      return Status::IoError(std::move(message));
  }
}

}  // namespace viper
