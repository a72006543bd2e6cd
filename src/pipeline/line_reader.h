#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/input_file.h"
#include "viper/result.h"

namespace viper::pipeline {

/// Bytes after each line that may be read (not used): what a SIMD parser wants.
inline constexpr size_t kLinePadding = 64;

/// Reads a text file line by line in one pass, with a buffer as large as the longest line. A byte
/// order mark at the front is left out. Lines end at a line feed; a carriage return before it stays
/// with the line. Not thread-safe.
class LineReader {
 public:
  explicit LineReader(InputFile input);

  const std::string& name() const { return input_.name; }
  /// Number of the line that Next returned last, from 1; 0 before the first.
  uint64_t line_number() const { return line_number_; }
  /// "file, line 17": the place of the line that Next returned last.
  std::string Place() const;
  /// Share of the file that the lines returned so far take.
  double fraction_read() const;

  /// The next line, or nullopt at the end. The view is valid until the next call and followed by
  /// kLinePadding readable bytes. InvalidArgument for a line of more than kLineBytesMax; IoError.
  Result<std::optional<std::string_view>> Next();
  /// Begin again at the first line.
  void Rewind();

 private:
  uint64_t unread_bytes() const { return input_.file->size() - file_position_; }
  Status Fill();

  InputFile input_;
  std::vector<char> buffer_;
  size_t begin_ = 0;  // buffer_[begin_, end_) is read and not returned yet
  size_t end_ = 0;
  uint64_t file_position_ = 0;  // of what Fill reads next
  uint64_t line_number_ = 0;
};

/// True if the line holds nothing but spaces, tabs and carriage returns.
bool IsBlank(std::string_view line);

}  // namespace viper::pipeline
