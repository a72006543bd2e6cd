#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <span>
#include <utility>

#include <arrow/buffer.h>
#include <arrow/status.h>
#include <parquet/exception.h>

#include "base/status_macros.h"
#include "viper/result.h"
#include "viper/status.h"

namespace viper::parquet {

/// Convert a failure of Arrow: I/O errors, want of memory and unsupported features keep their kind,
/// everything else means that the bytes are not what they should be.
Status FromArrow(const ::arrow::Status& status);

/// Run `work` (returns Status or Result) and turn what libparquet throws into a Status. Nothing
/// else in the engine catches its exceptions.
template <typename Work>
auto CatchParquet(Work&& work) -> decltype(work()) {
  try {
    return std::forward<Work>(work)();
  } catch (const ::parquet::ParquetStatusException& error) {
    return FromArrow(error.status());
  } catch (const std::bad_alloc&) {
    return Status::ResourceExhausted("out of memory while reading or writing Parquet");
  } catch (const std::exception& error) {
    return Status::Corruption(error.what());
  }
}

/// Show bytes to Arrow without copying; they must outlive the buffer.
std::shared_ptr<::arrow::Buffer> WrapBytes(std::span<const std::byte> bytes);

}  // namespace viper::parquet

/// Return from the function if `expression` (an arrow::Status) failed.
#define VIPER_RETURN_IF_ARROW_ERROR(expression)                                             \
  do {                                                                                      \
    const ::arrow::Status viper_arrow_status_ = (expression);                               \
    if (!viper_arrow_status_.ok()) return ::viper::parquet::FromArrow(viper_arrow_status_); \
  } while (false)

/// Evaluate `expression` (an arrow::Result), return its status if it failed, else assign its value.
#define VIPER_ASSIGN_OR_RETURN_ARROW(declaration, expression)                                 \
  VIPER_ASSIGN_OR_RETURN_ARROW_IMPL(VIPER_CONCAT(viper_arrow_result_, __LINE__), declaration, \
                                    expression)
#define VIPER_ASSIGN_OR_RETURN_ARROW_IMPL(result, declaration, expression) \
  auto result = (expression);                                              \
  if (!result.ok()) return ::viper::parquet::FromArrow(result.status());   \
  declaration = std::move(result).ValueUnsafe()
