#include "parquet/arrow_bridge.h"

namespace viper::parquet {

Status FromArrow(const ::arrow::Status& status) {
  switch (status.code()) {
    case ::arrow::StatusCode::OK:
      return Status::Ok();
    case ::arrow::StatusCode::OutOfMemory:
    case ::arrow::StatusCode::CapacityError:
      return Status::ResourceExhausted(status.message());
    case ::arrow::StatusCode::NotImplemented:
      return Status::Unsupported(status.message());
    case ::arrow::StatusCode::Cancelled:
      return Status::Cancelled(status.message());
    default:
      // Arrow says IOError also for bytes that do not decode; real file errors come from our own
      // files.
      return Status::Corruption(status.message());
  }
}

std::shared_ptr<::arrow::Buffer> WrapBytes(std::span<const std::byte> bytes) {
  return std::make_shared<::arrow::Buffer>(reinterpret_cast<const uint8_t*>(bytes.data()),
                                           static_cast<int64_t>(bytes.size()));
}

}  // namespace viper::parquet
