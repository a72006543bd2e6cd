#include "input_lines.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <utility>

#include <fmt/core.h>

#include "status_macros.h"

namespace viper::cli {
namespace {

constexpr size_t kLineBytesMax = size_t{64} << 20;

}  // namespace

InputLines::InputLines(std::string name, std::unique_ptr<std::istream> file, std::istream& stream)
    : name_(std::move(name)), file_(std::move(file)), stream_(&stream) {}

Result<InputLines> InputLines::Open(const std::string& path) {
  if (path == "-") {
    // Apart from C's standard input, so that what has arrived can be told from what has not.
    std::ios::sync_with_stdio(false);
    return InputLines("standard input", nullptr, std::cin);
  }
  auto file = std::make_unique<std::ifstream>(path);
  if (!file->is_open()) {
    const std::string message = fmt::format("cannot open '{}': {}", path, std::strerror(errno));
    return errno == ENOENT ? Status::NotFound(message) : Status::IoError(message);
  }
  std::istream& stream = *file;
  return InputLines(path, std::move(file), stream);
}

Result<std::optional<std::string>> InputLines::Next() {
  std::streambuf& buffer = *stream_->rdbuf();
  while (true) {
    std::string line;
    int character = buffer.sbumpc();
    if (character == std::char_traits<char>::eof()) return std::optional<std::string>();
    ++line_number_;
    for (; character != '\n' && character != std::char_traits<char>::eof();
         character = buffer.sbumpc()) {
      if (line.size() == kLineBytesMax) {
        return Status::InvalidArgument(
            fmt::format("{}: line is too long: max_bytes={}", Place(), kLineBytesMax));
      }
      line += static_cast<char>(character);
    }
    if (line.ends_with('\r')) line.pop_back();
    if (line.find_first_not_of(" \t") != std::string::npos) return std::optional(std::move(line));
  }
}

bool InputLines::HasMore() const { return stream_->rdbuf()->in_avail() > 0; }

std::string InputLines::Place() const { return fmt::format("{}, line {}", name_, line_number_); }

}  // namespace viper::cli
