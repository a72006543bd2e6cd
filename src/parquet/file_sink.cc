#include "parquet/file_sink.h"

#include <span>

namespace viper::parquet {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;
/// From here on a copy into the buffer costs more than a write call of its own.
constexpr size_t kDirectBytes = size_t{128} << 10;

/// Large enough to be written in few requests, small enough to leave little for the end.
constexpr size_t kSyncBytes = size_t{8} << 20;

}  // namespace

FileSink::FileSink(WritableFile& file) : file_(&file) { buffer_.reserve(kBufferBytes); }

::arrow::Status FileSink::AppendToFile(std::span<const std::byte> bytes) {
  if (status_.ok() && !bytes.empty()) status_ = file_->Append(bytes);
  if (!status_.ok()) return ::arrow::Status::IOError(status_.message());
  appended_bytes_ += bytes.size();
  if (appended_bytes_ >= kSyncBytes) {
    file_->StartSync();
    appended_bytes_ = 0;
  }
  return ::arrow::Status::OK();
}

::arrow::Status FileSink::Write(const void* data, int64_t byte_count) {
  const std::span bytes(static_cast<const std::byte*>(data), static_cast<size_t>(byte_count));
  if (buffer_.size() + bytes.size() > kBufferBytes || bytes.size() >= kDirectBytes) {
    ARROW_RETURN_NOT_OK(Flush());
  }
  if (bytes.size() >= kDirectBytes) {
    ARROW_RETURN_NOT_OK(AppendToFile(bytes));
  } else {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
  position_ += byte_count;
  return ::arrow::Status::OK();
}

::arrow::Status FileSink::Flush() {
  ARROW_RETURN_NOT_OK(AppendToFile(buffer_));
  buffer_.clear();
  return ::arrow::Status::OK();
}

::arrow::Status FileSink::Close() {
  closed_ = true;
  return Flush();
}

}  // namespace viper::parquet
