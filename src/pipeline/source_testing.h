#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/coding.h"
#include "pipeline/input_file.h"
#include "viper/record.h"
#include "viper/record_source.h"

namespace viper::pipeline {

/// A file in memory.
class TextFile final : public RandomAccessFile {
 public:
  explicit TextFile(std::string content) : content_(std::move(content)) {}
  uint64_t size() const override { return content_.size(); }
  Status ReadAt(uint64_t offset, std::span<std::byte> out) const override {
    if (offset > content_.size() || out.size() > content_.size() - offset) {
      return Status::IoError("read past the end of the file");
    }
    if (!out.empty()) std::memcpy(out.data(), content_.data() + offset, out.size());
    return Status::Ok();
  }

 private:
  const std::string content_;
};

/// An input called "input" with that content.
inline InputFile MakeInput(std::string content) {
  return {"input", std::make_unique<TextFile>(std::move(content))};
}

/// Bytes of numbers as they lie in memory.
template <typename T>
std::string BytesOf(const std::vector<T>& numbers) {
  return std::string(AsText(std::as_bytes(std::span(numbers))));
}

/// A text with room behind it that may be read, as LineReader gives out.
class PaddedText {
 public:
  explicit PaddedText(std::string_view text) : size_(text.size()), bytes_(text) {
    bytes_.append(64, ' ');
  }
  std::string_view text() const { return std::string_view(bytes_).substr(0, size_); }

 private:
  size_t size_;
  std::string bytes_;
};

/// All records of a source, or its first error.
inline Result<std::vector<Record>> ReadAll(RecordSource& source) {
  std::vector<Record> records;
  while (true) {
    Result<RecordBatch> batch = source.Next();
    if (!batch.ok()) return batch.status();
    const size_t rows = batch->row_count();
    if (rows == 0) return records;
    EXPECT_EQ(batch->vectors.size(), rows * source.dim());
    EXPECT_TRUE(batch->metadata.empty() || batch->metadata.size() == rows);
    EXPECT_TRUE(batch->timestamps.empty() || batch->timestamps.size() == rows);
    EXPECT_TRUE(batch->expirations.empty() || batch->expirations.size() == rows);
    for (size_t i = 0; i < rows; ++i) {
      Record record;
      record.id = batch->ids[i];
      const auto vector = std::span(batch->vectors).subspan(i * source.dim(), source.dim());
      record.vector.assign(vector.begin(), vector.end());
      if (!batch->metadata.empty()) record.metadata = batch->metadata[i];
      if (!batch->timestamps.empty()) record.timestamp = batch->timestamps[i];
      if (!batch->expirations.empty()) record.expires_at = batch->expirations[i];
      records.push_back(std::move(record));
    }
  }
}

/// The message of the first failure of opening or reading; "" if there is none.
inline std::string FirstError(Result<std::unique_ptr<RecordSource>> source) {
  if (!source.ok()) return source.status().ToString();
  const Result<std::vector<Record>> records = ReadAll(**source);
  return records.ok() ? "" : records.status().ToString();
}

}  // namespace viper::pipeline
