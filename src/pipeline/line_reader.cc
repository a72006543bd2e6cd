#include "pipeline/line_reader.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "pipeline/source_limits.h"

namespace viper::pipeline {
namespace {
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
}  // namespace

LineReader::LineReader(InputFile input) : input_(std::move(input)), buffer_(kLinePadding) {}

std::string LineReader::Place() const {
  return fmt::format("{}, line {}", input_.name, line_number_);
}

double LineReader::fraction_read() const {
  const uint64_t size = input_.file->size();
  if (size == 0) return 1;
  return static_cast<double>(file_position_ - (end_ - begin_)) / static_cast<double>(size);
}

void LineReader::Rewind() {
  begin_ = 0;
  end_ = 0;
  file_position_ = 0;
  line_number_ = 0;
}

// Move what is left to the front and read more behind it; the buffer doubles when a line fills it.
Status LineReader::Fill() {
  const size_t kept = end_ - begin_;
  std::memmove(buffer_.data(), buffer_.data() + begin_, kept);
  begin_ = 0;
  end_ = kept;
  const size_t wanted =
      static_cast<size_t>(std::min<uint64_t>(unread_bytes(), std::max(kReadBlockBytes, kept)));
  if (buffer_.size() < kept + wanted + kLinePadding) buffer_.resize(kept + wanted + kLinePadding);
  VIPER_RETURN_IF_ERROR(input_.file->ReadAt(
      file_position_, std::as_writable_bytes(std::span(buffer_).subspan(kept, wanted))));
  file_position_ += wanted;
  end_ += wanted;
  return Status::Ok();
}

Result<std::optional<std::string_view>> LineReader::Next() {
  size_t searched = 0;  // bytes from begin_ on that hold no line feed
  while (true) {
    const char* start = buffer_.data() + begin_;
    const void* feed = std::memchr(start + searched, '\n', end_ - begin_ - searched);
    const bool at_end = feed == nullptr && unread_bytes() == 0;
    if (feed == nullptr && !at_end) {
      searched = end_ - begin_;
      if (searched > kLineBytesMax) break;
      VIPER_RETURN_IF_ERROR(Fill());
      continue;
    }
    if (at_end && begin_ == end_) return std::optional<std::string_view>();
    const size_t length = feed == nullptr
                              ? end_ - begin_
                              : static_cast<size_t>(static_cast<const char*>(feed) - start);
    if (length > kLineBytesMax) break;
    begin_ += length + (feed == nullptr ? 0 : 1);
    std::string_view line(start, length);
    if (line_number_ == 0 && line.starts_with(kByteOrderMark)) {
      line.remove_prefix(kByteOrderMark.size());
    }
    ++line_number_;
    return std::optional(line);
  }
  return Status::InvalidArgument(fmt::format("{}, line {}: line is too long: max_bytes={}",
                                             input_.name, line_number_ + 1, kLineBytesMax));
}

bool IsBlank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

}  // namespace viper::pipeline
