#include "parquet/arrow_input.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

#include <arrow/buffer.h>

namespace viper::parquet {

ArrowInput::ArrowInput(std::unique_ptr<viper::RandomAccessFile> file) : file_(std::move(file)) {}

::arrow::Result<int64_t> ArrowInput::GetSize() { return static_cast<int64_t>(file_->size()); }

::arrow::Result<int64_t> ArrowInput::ReadAt(int64_t position, int64_t byte_count, void* out) {
  const auto size = static_cast<int64_t>(file_->size());
  if (position < 0 || byte_count < 0 || position > size) {
    return ::arrow::Status::Invalid("read outside of the file: position=", position,
                                    " bytes=", byte_count, " file_bytes=", size);
  }
  // At the end Arrow expects fewer bytes, not an error.
  const int64_t available = std::min(byte_count, size - position);
  const Status read =
      file_->ReadAt(static_cast<uint64_t>(position),
                    std::span(static_cast<std::byte*>(out), static_cast<size_t>(available)));
  if (!read.ok()) {
    if (status_.ok()) status_ = read;
    return ::arrow::Status::IOError(read.message());
  }
  return available;
}

::arrow::Result<std::shared_ptr<::arrow::Buffer>> ArrowInput::ReadAt(int64_t position,
                                                                     int64_t byte_count) {
  // What a damaged file asks for is not allocated before it is known to exist.
  const int64_t left = std::max<int64_t>(0, static_cast<int64_t>(file_->size()) - position);
  const int64_t wanted = std::clamp<int64_t>(byte_count, 0, left);
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<::arrow::ResizableBuffer> buffer,
                        ::arrow::AllocateResizableBuffer(wanted));
  ARROW_ASSIGN_OR_RAISE(const int64_t read, ReadAt(position, wanted, buffer->mutable_data()));
  ARROW_RETURN_NOT_OK(buffer->Resize(read));
  return buffer;
}

::arrow::Result<int64_t> ArrowInput::Read(int64_t byte_count, void* out) {
  ARROW_ASSIGN_OR_RAISE(const int64_t read, ReadAt(position_, byte_count, out));
  position_ += read;
  return read;
}

::arrow::Result<std::shared_ptr<::arrow::Buffer>> ArrowInput::Read(int64_t byte_count) {
  ARROW_ASSIGN_OR_RAISE(auto buffer, ReadAt(position_, byte_count));
  position_ += buffer->size();
  return buffer;
}

::arrow::Status ArrowInput::Seek(int64_t position) {
  if (position < 0) return ::arrow::Status::Invalid("seek before the beginning of the file");
  position_ = position;
  return ::arrow::Status::OK();
}

::arrow::Status ArrowInput::Close() {
  closed_ = true;
  return ::arrow::Status::OK();
}

}  // namespace viper::parquet
