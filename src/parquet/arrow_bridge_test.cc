#include "parquet/arrow_bridge.h"

#include <array>
#include <memory_resource>
#include <string>
#include <vector>

#include <arrow/result.h>
#include <gtest/gtest.h>

#include "testing/status_matchers.h"

namespace viper::parquet {
namespace {

TEST(ArrowBridge, FailuresKeepTheirKind) {
  EXPECT_OK(FromArrow(::arrow::Status::OK()));
  EXPECT_STATUS(kResourceExhausted, "much", FromArrow(::arrow::Status::OutOfMemory("too much")));
  EXPECT_STATUS(kResourceExhausted, "big", FromArrow(::arrow::Status::CapacityError("too big")));
  EXPECT_STATUS(kUnsupported, "brotli", FromArrow(::arrow::Status::NotImplemented("brotli")));
  EXPECT_STATUS(kCancelled, "stop", FromArrow(::arrow::Status::Cancelled("stop")));
  EXPECT_STATUS(kCorruption, "bad", FromArrow(::arrow::Status::Invalid("bad")));
  EXPECT_STATUS(kCorruption, "bad", FromArrow(::arrow::Status::IOError("bad")));
}

TEST(ArrowBridge, WhatIsThrownBecomesAStatus) {
  EXPECT_STATUS(kCorruption, "bad page",
                CatchParquet([]() -> Status { ::parquet::ParquetException::NYI("bad page"); }));
  EXPECT_STATUS(kUnsupported, "codec", CatchParquet([]() -> Result<int> {
                  PARQUET_THROW_NOT_OK(::arrow::Status::NotImplemented("codec"));
                  return 0;
                }));
  EXPECT_STATUS(kResourceExhausted, "memory", CatchParquet([]() -> Status {
                  // Allocates nothing: it always throws std::bad_alloc.
                  static_cast<void>(std::pmr::null_memory_resource()->allocate(1));
                  return Status::Ok();
                }));
  EXPECT_STATUS(kCorruption, "at",
                CatchParquet([]() -> Result<char> { return std::string().at(1); }));
}

TEST(ArrowBridge, WhatIsReturnedPassesThrough) {
  EXPECT_EQ(CatchParquet([]() -> Result<int> { return 7; }).value(), 7);
  EXPECT_STATUS(kBusy, "taken", CatchParquet([] { return Status::Busy("taken"); }));
}

TEST(ArrowBridge, MacrosReturnTheFirstFailure) {
  const auto twice = [](const ::arrow::Result<int>& number) -> Result<int> {
    VIPER_ASSIGN_OR_RETURN_ARROW(const int value, number);
    VIPER_RETURN_IF_ARROW_ERROR(value < 0 ? ::arrow::Status::Invalid("negative")
                                          : ::arrow::Status::OK());
    return 2 * value;
  };
  EXPECT_EQ(twice(21).value(), 42);
  EXPECT_STATUS(kCorruption, "none", twice(::arrow::Status::KeyError("none")));
  EXPECT_STATUS(kCorruption, "negative", twice(-1));
}

TEST(ArrowBridge, WrappedBytesAreNotCopied) {
  const std::array<std::byte, 3> bytes = {std::byte{1}, std::byte{2}, std::byte{3}};
  const auto buffer = WrapBytes(bytes);
  EXPECT_EQ(static_cast<const void*>(buffer->data()), bytes.data());
  EXPECT_EQ(buffer->size(), 3);
}

}  // namespace
}  // namespace viper::parquet
