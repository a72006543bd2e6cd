#pragma once

#include <istream>
#include <memory>
#include <optional>
#include <string>

#include "viper/result.h"

namespace viper::cli {

/// Lines of a file, or of standard input when its path is "-". Blank lines are passed over.
class InputLines {
 public:
  static Result<InputLines> Open(const std::string& path);

  /// The next line, or nullopt at the end. InvalidArgument for a line of more than 64 MiB.
  Result<std::optional<std::string>> Next();
  /// Another line is likely to come without waiting for it.
  bool HasMore() const;
  /// "path, line 17": where the line that Next returned last stands.
  std::string Place() const;

 private:
  InputLines(std::string name, std::unique_ptr<std::istream> file, std::istream& stream);

  std::string name_;
  std::unique_ptr<std::istream> file_;  // null for standard input
  std::istream* stream_;
  uint64_t line_number_ = 0;
};

}  // namespace viper::cli
