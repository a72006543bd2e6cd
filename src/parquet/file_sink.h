#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <arrow/io/interfaces.h>
#include <arrow/result.h>

#include "viper/file_system.h"

namespace viper::parquet {

/// Shows a WritableFile to libparquet as a stream. Collects small writes to about 1 MiB; large ones
/// go straight through. The disk is at work while the rest is still being encoded. The first
/// failure sticks and is kept as it came, for the caller to report.
class FileSink : public ::arrow::io::OutputStream {
 public:
  /// `file` is not owned and stays open.
  explicit FileSink(WritableFile& file);

  ::arrow::Status Write(const void* data, int64_t byte_count) override;
  using ::arrow::io::OutputStream::Write;
  ::arrow::Status Flush() override;
  ::arrow::Status Close() override;
  ::arrow::Result<int64_t> Tell() const override { return position_; }
  bool closed() const override { return closed_; }

  int64_t position() const { return position_; }
  /// The first failure of the file.
  const Status& status() const { return status_; }

 private:
  ::arrow::Status AppendToFile(std::span<const std::byte> bytes);

  WritableFile* file_;
  std::vector<std::byte> buffer_;
  /// Since the file was last told to bring them to disk.
  size_t appended_bytes_ = 0;
  int64_t position_ = 0;
  bool closed_ = false;
  Status status_;
};

}  // namespace viper::parquet
