#include "pipeline/npy_source.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/coding.h"
#include "base/half.h"
#include "base/status_macros.h"
#include "pipeline/npy_header.h"
#include "pipeline/row_checks.h"
#include "pipeline/vector_file.h"

namespace viper::pipeline {
namespace {

template <typename T>
void ConvertFrom(std::span<const std::byte> bytes, std::span<float> out) {
  for (size_t i = 0; i < out.size(); ++i) {
    T number;
    std::memcpy(&number, bytes.data() + i * sizeof(T), sizeof(T));
    out[i] = static_cast<float>(number);
  }
}

void Convert(NpyType type, std::span<const std::byte> bytes, std::span<float> out) {
  switch (type) {
    case NpyType::kFloat16:
      for (size_t i = 0; i < out.size(); ++i) {
        out[i] = HalfToFloat(LoadFixed<uint16_t>(bytes.data() + i * sizeof(uint16_t)));
      }
      return;
    case NpyType::kFloat32:
      return ConvertFrom<float>(bytes, out);
    case NpyType::kFloat64:
      return ConvertFrom<double>(bytes, out);
    case NpyType::kInt8:
      return ConvertFrom<int8_t>(bytes, out);
    case NpyType::kUint8:
      return ConvertFrom<uint8_t>(bytes, out);
    case NpyType::kInt16:
      return ConvertFrom<int16_t>(bytes, out);
    case NpyType::kUint16:
      return ConvertFrom<uint16_t>(bytes, out);
    case NpyType::kInt32:
      return ConvertFrom<int32_t>(bytes, out);
    case NpyType::kUint32:
      return ConvertFrom<uint32_t>(bytes, out);
    case NpyType::kInt64:
      return ConvertFrom<int64_t>(bytes, out);
    case NpyType::kUint64:
      return ConvertFrom<uint64_t>(bytes, out);
  }
}

class NpyFile final : public VectorFile {
 public:
  explicit NpyFile(InputFile input) : input_(std::move(input)) {}

  Status Open() {
    const Status status = ReadHeader();
    return status.ok() ? status : status.WithContext(input_.name);
  }

  const std::string& name() const override { return input_.name; }
  size_t dim() const override { return static_cast<size_t>(header_.columns); }
  uint64_t row_count() const override { return header_.rows; }

  Status ReadRows(uint64_t first, std::span<float> out) override {
    const uint64_t offset = rows_offset_ + first * row_bytes();
    if (header_.type == NpyType::kFloat32) {
      return input_.file->ReadAt(offset, std::as_writable_bytes(out));
    }
    buffer_.resize(out.size() * NpyTypeSize(header_.type));
    VIPER_RETURN_IF_ERROR(input_.file->ReadAt(offset, buffer_));
    Convert(header_.type, buffer_, out);
    return Status::Ok();
  }

 private:
  size_t row_bytes() const { return dim() * NpyTypeSize(header_.type); }

  Status ReadHeader() {
    const RandomAccessFile& file = *input_.file;
    std::vector<std::byte> bytes(std::min<uint64_t>(file.size(), kNpyPreludeBytes));
    VIPER_RETURN_IF_ERROR(file.ReadAt(0, bytes));
    VIPER_ASSIGN_OR_RETURN(const NpyPrelude prelude, ParseNpyPrelude(bytes));
    rows_offset_ = prelude.text_offset + prelude.text_bytes;
    if (rows_offset_ > file.size()) {
      return Status::Corruption(
          fmt::format("truncated in the header: expected={} actual={}", rows_offset_, file.size()));
    }
    bytes.resize(prelude.text_bytes);
    VIPER_RETURN_IF_ERROR(file.ReadAt(prelude.text_offset, bytes));
    VIPER_ASSIGN_OR_RETURN(header_, ParseNpyHeader(AsText(bytes)));
    VIPER_RETURN_IF_ERROR(CheckDim(header_.columns));
    return CheckSize();
  }

  // Nothing behind this believes the header blindly: afterwards rows * row_bytes() fits in the
  // file.
  Status CheckSize() const {
    const uint64_t actual = input_.file->size() - rows_offset_;
    const uint64_t rows_there = actual / row_bytes();
    if (rows_there == header_.rows && actual % row_bytes() == 0) return Status::Ok();
    return Status::Corruption(
        fmt::format("{} than its header says: header_rows={} row_bytes={} whole_rows_there={} "
                    "bytes_there={}",
                    rows_there < header_.rows ? "shorter" : "longer", header_.rows, row_bytes(),
                    rows_there, actual));
  }

  const InputFile input_;
  NpyHeader header_;
  uint64_t rows_offset_ = 0;
  std::vector<std::byte> buffer_;
};

}  // namespace

Result<std::unique_ptr<RecordSource>> OpenNpySource(InputFile input,
                                                    const RecordSourceOptions& options) {
  auto file = std::make_unique<NpyFile>(std::move(input));
  VIPER_RETURN_IF_ERROR(file->Open());
  return MakeVectorFileSource(std::move(file), options);
}

}  // namespace viper::pipeline
