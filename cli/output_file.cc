#include "output_file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fmt/core.h>
#include <unistd.h>

#include "status_macros.h"

namespace viper::cli {

OutputFile::OutputFile(std::string path, std::string written_path, std::FILE* stream)
    : path_(std::move(path)), written_path_(std::move(written_path)), stream_(stream) {}

Result<std::unique_ptr<OutputFile>> OutputFile::Open(const std::string& path) {
  if (path.empty() || path == "-") {
    return std::unique_ptr<OutputFile>(new OutputFile("standard output", "", stdout));
  }
  // A pipe or a device is written as it stands; a file gets its name at the end.
  std::error_code ignored;
  const std::filesystem::file_status status = std::filesystem::status(path, ignored);
  const bool in_place =
      std::filesystem::exists(status) && !std::filesystem::is_regular_file(status);
  std::string written_path = in_place ? path : fmt::format("{}.partial-{}", path, ::getpid());
  std::FILE* stream = std::fopen(written_path.c_str(), "wb");
  if (stream == nullptr) {
    const std::string message = fmt::format("cannot write '{}': {}", path, std::strerror(errno));
    return errno == ENOENT ? Status::NotFound(message) : Status::IoError(message);
  }
  return std::unique_ptr<OutputFile>(new OutputFile(path, std::move(written_path), stream));
}

OutputFile::~OutputFile() {
  if (stream_ == nullptr || stream_ == stdout) return;
  std::fclose(stream_);
  if (written_path_ != path_) std::remove(written_path_.c_str());
}

Status OutputFile::Error(std::string_view operation) const {
  const int error = errno;
  std::string message = fmt::format("cannot {} '{}': {}", operation, path_, std::strerror(error));
  if (error == ENOSPC || error == EDQUOT) return Status::ResourceExhausted(std::move(message));
  return Status::IoError(std::move(message));
}

Status OutputFile::Write(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stream_) != text.size()) return Error("write");
  return Status::Ok();
}

Status OutputFile::WriteAtFront(std::string_view text) {
  if (std::fseek(stream_, 0, SEEK_SET) != 0) return Error("go back in");
  VIPER_RETURN_IF_ERROR(Write(text));
  if (std::fseek(stream_, 0, SEEK_END) != 0) return Error("go to the end of");
  return Status::Ok();
}

Status OutputFile::Finish() {
  if (stream_ == stdout) return std::fflush(stdout) == 0 ? Status::Ok() : Error("write");
  const bool closed = std::fclose(std::exchange(stream_, nullptr)) == 0;
  Status status = closed ? Status::Ok() : Error("write");
  if (written_path_ == path_) return status;
  if (status.ok() && std::rename(written_path_.c_str(), path_.c_str()) != 0) status = Error("name");
  if (!status.ok()) std::remove(written_path_.c_str());
  return status;
}

}  // namespace viper::cli
