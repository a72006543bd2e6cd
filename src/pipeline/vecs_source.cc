#include "pipeline/vecs_source.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/assert.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "pipeline/row_checks.h"
#include "pipeline/vector_file.h"

namespace viper::pipeline {
namespace {

constexpr size_t kRowHeaderBytes = sizeof(int32_t);

size_t ComponentBytes(FileFormat format) {
  VIPER_ASSERT(format == FileFormat::kFvecs || format == FileFormat::kBvecs ||
               format == FileFormat::kIvecs);
  return format == FileFormat::kBvecs ? sizeof(uint8_t) : sizeof(float);
}

void ConvertRow(FileFormat format, const std::byte* components, std::span<float> out) {
  switch (format) {
    case FileFormat::kBvecs:
      for (size_t i = 0; i < out.size(); ++i) out[i] = std::to_integer<uint8_t>(components[i]);
      return;
    case FileFormat::kIvecs:
      for (size_t i = 0; i < out.size(); ++i) {
        out[i] = static_cast<float>(LoadFixed<int32_t>(components + i * sizeof(int32_t)));
      }
      return;
    default:
      std::memcpy(out.data(), components, out.size_bytes());
  }
}

class VecsFile final : public VectorFile {
 public:
  VecsFile(InputFile input, FileFormat format) : input_(std::move(input)), format_(format) {}

  // `limit` is the number of rows that will be read, 0 = all: what is behind them need not be
  // whole.
  Status Open(uint64_t limit) {
    const Status status = ReadFirstHeader(limit);
    return status.ok() ? status : status.WithContext(input_.name);
  }

  const std::string& name() const override { return input_.name; }
  size_t dim() const override { return dim_; }
  uint64_t row_count() const override { return row_count_; }

  Status ReadRows(uint64_t first, std::span<float> out) override {
    buffer_.resize(out.size() / dim_ * row_bytes());
    VIPER_RETURN_IF_ERROR(input_.file->ReadAt(first * row_bytes(), buffer_));
    for (size_t row = 0; row < out.size() / dim_; ++row) {
      const std::byte* header = buffer_.data() + row * row_bytes();
      const auto actual = LoadFixed<int32_t>(header);
      if (static_cast<uint32_t>(actual) != dim_) return OtherDimension(first + row, actual);
      ConvertRow(format_, header + kRowHeaderBytes, out.subspan(row * dim_, dim_));
    }
    return Status::Ok();
  }

 private:
  size_t row_bytes() const { return kRowHeaderBytes + dim_ * ComponentBytes(format_); }

  Status ReadFirstHeader(uint64_t limit) {
    const uint64_t size = input_.file->size();
    if (size < kRowHeaderBytes) {
      return Status::InvalidArgument(
          fmt::format("no vector in it, so the dimension is unknown: bytes={}", size));
    }
    VIPER_ASSIGN_OR_RETURN(const int32_t dim, ReadHeaderAt(0));
    // A negative dimension becomes a huge one, which is as wrong.
    const Status status = CheckDim(static_cast<uint64_t>(int64_t{dim}));
    if (!status.ok()) return status.WithContext("row 1");
    dim_ = static_cast<size_t>(dim);
    row_count_ = size / row_bytes();
    if (size % row_bytes() == 0 || (limit != 0 && limit <= row_count_)) return Status::Ok();
    return ExplainSize(size);
  }

  Result<int32_t> ReadHeaderAt(uint64_t offset) const {
    std::array<std::byte, kRowHeaderBytes> bytes;
    VIPER_RETURN_IF_ERROR(input_.file->ReadAt(offset, bytes));
    return LoadFixed<int32_t>(bytes.data());
  }

  // The size is not one of whole rows of one dimension: name the first row of another dimension, or
  // say that the last one is cut off.
  Status ExplainSize(uint64_t size) const {
    for (uint64_t row = 0; row < row_count_; ++row) {
      VIPER_ASSIGN_OR_RETURN(const int32_t dim, ReadHeaderAt(row * row_bytes()));
      if (static_cast<uint32_t>(dim) != dim_) return OtherDimension(row, dim);
    }
    return Status::Corruption(
        fmt::format("truncated in row {} at byte {}: expected_bytes={} actual_bytes={}",
                    row_count_ + 1, row_count_ * row_bytes(), row_bytes(), size % row_bytes()));
  }

  Status OtherDimension(uint64_t row, int32_t actual) const {
    return Status::InvalidArgument(
        fmt::format("row {} at byte {} has another dimension than the first: expected={} actual={}",
                    row + 1, row * row_bytes(), dim_, actual));
  }

  const InputFile input_;
  const FileFormat format_;
  size_t dim_ = 0;
  uint64_t row_count_ = 0;
  std::vector<std::byte> buffer_;
};

}  // namespace

Result<std::unique_ptr<RecordSource>> OpenVecsSource(InputFile input, FileFormat format,
                                                     const RecordSourceOptions& options) {
  auto file = std::make_unique<VecsFile>(std::move(input), format);
  VIPER_RETURN_IF_ERROR(file->Open(options.limit));
  return MakeVectorFileSource(std::move(file), options);
}

}  // namespace viper::pipeline
