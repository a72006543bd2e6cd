#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "viper/result.h"

namespace viper::cli {

/// A file being written, which appears under its name only when it is complete; or standard output.
class OutputFile {
 public:
  /// "" and "-" mean standard output. An existing file is replaced in the end.
  static Result<std::unique_ptr<OutputFile>> Open(const std::string& path);
  /// Removes what Finish has not completed.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  Status Write(std::string_view text);
  /// Replace bytes at the front. Not on standard output.
  Status WriteAtFront(std::string_view text);
  /// Complete the file under its name.
  Status Finish();

 private:
  OutputFile(std::string path, std::string written_path, std::FILE* stream);
  Status Error(std::string_view operation) const;

  const std::string path_;
  const std::string written_path_;  // differs from path_ until it is complete
  std::FILE* stream_;               // null once closed
};

}  // namespace viper::cli
