#include "parquet/arrow_input.h"

#include <algorithm>
#include <cstring>
#include <string>

#include <arrow/buffer.h>
#include <gtest/gtest.h>

#include "testing/status_matchers.h"

namespace viper::parquet {
namespace {

/// A file of given text whose disk may break.
class TextFile : public viper::RandomAccessFile {
 public:
  TextFile(std::string text, bool broken) : text_(std::move(text)), broken_(broken) {}
  uint64_t size() const override { return text_.size(); }
  Status ReadAt(uint64_t offset, std::span<std::byte> out) const override {
    if (broken_ || offset + out.size() > text_.size()) return Status::IoError("the disk broke");
    if (!out.empty()) std::memcpy(out.data(), text_.data() + offset, out.size());
    return Status::Ok();
  }

 private:
  std::string text_;
  bool broken_;
};

TEST(ArrowInput, ReadsOnFromWhereItStopped) {
  ArrowInput input(std::make_unique<TextFile>("abcdef", false));
  EXPECT_EQ(input.GetSize().ValueOrDie(), 6);
  EXPECT_EQ(input.Read(2).ValueOrDie()->ToString(), "ab");
  EXPECT_EQ(input.Tell().ValueOrDie(), 2);
  ASSERT_TRUE(input.Seek(4).ok());
  char out[8];
  EXPECT_EQ(input.Read(8, out).ValueOrDie(), 2);
  EXPECT_EQ(std::string(out, 2), "ef");
  EXPECT_EQ(input.Read(8).ValueOrDie()->size(), 0);
}

TEST(ArrowInput, ReadsPastTheEndGiveWhatThereIs) {
  ArrowInput input(std::make_unique<TextFile>("abcdef", false));
  EXPECT_EQ(input.ReadAt(5, 1'000'000'000'000).ValueOrDie()->ToString(), "f");
  EXPECT_EQ(input.ReadAt(6, 3).ValueOrDie()->size(), 0);
  EXPECT_FALSE(input.ReadAt(7, 1).ok());
  EXPECT_FALSE(input.ReadAt(-1, 1).ok());
  EXPECT_FALSE(input.Seek(-1).ok());
  EXPECT_OK(input.status());
}

TEST(ArrowInput, KeepsTheFilesOwnError) {
  ArrowInput input(std::make_unique<TextFile>("abcdef", true));
  EXPECT_FALSE(input.Read(2).ok());
  EXPECT_STATUS(kIoError, "the disk broke", input.status());
}

}  // namespace
}  // namespace viper::parquet
