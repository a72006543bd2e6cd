#pragma once

#include <cstdint>
#include <memory>

#include <arrow/io/interfaces.h>
#include <arrow/result.h>

#include "viper/file_system.h"

namespace viper::parquet {

/// Shows one of our files to Arrow. The first failure of the file sticks and is kept as it came.
/// Arrow reads it from one thread.
class ArrowInput : public ::arrow::io::RandomAccessFile {
 public:
  explicit ArrowInput(std::unique_ptr<viper::RandomAccessFile> file);

  ::arrow::Result<int64_t> GetSize() override;
  ::arrow::Result<int64_t> ReadAt(int64_t position, int64_t byte_count, void* out) override;
  ::arrow::Result<std::shared_ptr<::arrow::Buffer>> ReadAt(int64_t position,
                                                           int64_t byte_count) override;
  ::arrow::Result<int64_t> Read(int64_t byte_count, void* out) override;
  ::arrow::Result<std::shared_ptr<::arrow::Buffer>> Read(int64_t byte_count) override;
  ::arrow::Status Seek(int64_t position) override;
  ::arrow::Result<int64_t> Tell() const override { return position_; }
  ::arrow::Status Close() override;
  bool closed() const override { return closed_; }

  const Status& status() const { return status_; }

 private:
  std::unique_ptr<viper::RandomAccessFile> file_;
  int64_t position_ = 0;
  bool closed_ = false;
  Status status_;
};

}  // namespace viper::parquet
