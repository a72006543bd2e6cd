#include "pipeline/npy_header.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/coding.h"
#include "base/status_macros.h"

namespace viper::pipeline {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
// numpy itself writes headers of a few hundred bytes and refuses to read more than 10,000.
constexpr size_t kTextBytesMax = size_t{64} << 10;
// No array of numpy has more (NPY_MAXDIMS of numpy 2).
constexpr size_t kShapeLengthMax = 64;

// One number has no byte order; numpy writes `|` there, and may write `<` all the same.
constexpr std::pair<std::string_view, NpyType> kTypes[] = {
    {"<f2", NpyType::kFloat16}, {"<f4", NpyType::kFloat32}, {"<f8", NpyType::kFloat64},
    {"|i1", NpyType::kInt8},    {"<i1", NpyType::kInt8},    {"|u1", NpyType::kUint8},
    {"<u1", NpyType::kUint8},   {"<i2", NpyType::kInt16},   {"<u2", NpyType::kUint16},
    {"<i4", NpyType::kInt32},   {"<u4", NpyType::kUint32},  {"<i8", NpyType::kInt64},
    {"<u8", NpyType::kUint64},
};

Result<NpyType> ParseType(std::string_view text) {
  for (const auto& [name, type] : kTypes) {
    if (name == text) return type;
  }
  if (text.starts_with('>')) {
    return Status::InvalidArgument(fmt::format(
        "numbers are big-endian; save the array with a little-endian type: dtype={}", text));
  }
  return Status::InvalidArgument(
      fmt::format("cannot read numbers of this type: dtype={} readable=float16, float32, float64, "
                  "int8 to int64, uint8 to uint64",
                  text));
}

// Reads the few forms of Python's literals that a header consists of.
class LiteralReader {
 public:
  explicit LiteralReader(std::string_view text) : text_(text) {}

  char Peek() {
    position_ = std::min(text_.find_first_not_of(" \t\n", position_), text_.size());
    return position_ < text_.size() ? text_[position_] : '\0';
  }
  bool Take(char c) {
    if (Peek() != c || position_ == text_.size()) return false;
    ++position_;
    return true;
  }
  Status Expect(char c) { return Take(c) ? Status::Ok() : Error(fmt::format("expected '{}'", c)); }

  Result<std::string_view> ReadString() {
    const char quote = Peek();
    if (quote != '\'' && quote != '"') return Error("expected a string");
    const size_t begin = position_ + 1;
    const size_t end = text_.find(quote, begin);
    if (end == std::string_view::npos) return Error("a string does not end");
    position_ = end + 1;
    return text_.substr(begin, end - begin);
  }
  Result<bool> ReadBool() {
    Peek();
    for (const auto& [word, value] : {std::pair("True", true), std::pair("False", false)}) {
      if (text_.substr(position_).starts_with(word)) {
        position_ += std::string_view(word).size();
        return value;
      }
    }
    return Error("expected True or False");
  }
  Result<std::vector<uint64_t>> ReadShape() {
    VIPER_RETURN_IF_ERROR(Expect('('));
    std::vector<uint64_t> shape;
    while (!Take(')')) {
      if (shape.size() == kShapeLengthMax) return Error("the shape is too long");
      uint64_t length = 0;
      Peek();
      const char* begin = text_.data() + position_;
      const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), length);
      if (error != std::errc()) return Error("expected a length of 64 bits");
      position_ += static_cast<size_t>(end - begin);
      shape.push_back(length);
      if (Peek() != ')') VIPER_RETURN_IF_ERROR(Expect(','));
    }
    return shape;
  }
  Status Error(std::string_view what) const {
    return Status::Corruption(
        fmt::format("bad header of a .npy file: {}: byte={}", what, position_ + 1));
  }

 private:
  std::string_view text_;
  size_t position_ = 0;
};

// The three entries as they are read; each must come once.
struct Entries {
  std::optional<NpyType> type;
  std::optional<bool> fortran_order;
  std::optional<std::vector<uint64_t>> shape;
};

Status ReadEntry(LiteralReader& reader, Entries& entries) {
  VIPER_ASSIGN_OR_RETURN(const std::string_view key, reader.ReadString());
  VIPER_RETURN_IF_ERROR(reader.Expect(':'));
  if (key == "descr" && !entries.type.has_value()) {
    if (reader.Peek() == '[') {
      return Status::InvalidArgument(
          "rows are structures, not vectors of one type: dtype is a list");
    }
    VIPER_ASSIGN_OR_RETURN(const std::string_view type, reader.ReadString());
    VIPER_ASSIGN_OR_RETURN(entries.type, ParseType(type));
    return Status::Ok();
  }
  if (key == "fortran_order" && !entries.fortran_order.has_value()) {
    VIPER_ASSIGN_OR_RETURN(entries.fortran_order, reader.ReadBool());
    return Status::Ok();
  }
  if (key == "shape" && !entries.shape.has_value()) {
    VIPER_ASSIGN_OR_RETURN(entries.shape, reader.ReadShape());
    return Status::Ok();
  }
  return reader.Error("unknown or repeated key");
}

std::string ShapeText(const std::vector<uint64_t>& shape) {
  std::string text = "(";
  for (const uint64_t length : shape) text += fmt::format("{},", length);
  return text + ")";
}

}  // namespace

size_t NpyTypeSize(NpyType type) {
  switch (type) {
    case NpyType::kInt8:
    case NpyType::kUint8:
      return 1;
    case NpyType::kFloat16:
    case NpyType::kInt16:
    case NpyType::kUint16:
      return 2;
    case NpyType::kFloat32:
    case NpyType::kInt32:
    case NpyType::kUint32:
      return 4;
    case NpyType::kFloat64:
    case NpyType::kInt64:
    case NpyType::kUint64:
      return 8;
  }
  return 0;
}

Result<NpyPrelude> ParseNpyPrelude(std::span<const std::byte> bytes) {
  if (bytes.size() < kNpyPreludeBytes || !AsText(bytes).starts_with(kMagic)) {
    return Status::Corruption("not a .npy file: it does not begin with \\x93NUMPY and a header");
  }
  const auto major = std::to_integer<unsigned>(bytes[6]);
  const auto minor = std::to_integer<unsigned>(bytes[7]);
  if (major < 1 || major > 3 || minor != 0) {
    return Status::Unsupported(
        fmt::format("unknown version of the .npy format: max=3.0 actual={}.{}", major, minor));
  }
  NpyPrelude prelude;
  if (major == 1) {
    prelude = {.text_offset = 10, .text_bytes = LoadFixed<uint16_t>(bytes.data() + 8)};
  } else {
    prelude = {.text_offset = 12, .text_bytes = LoadFixed<uint32_t>(bytes.data() + 8)};
  }
  if (prelude.text_bytes <= kTextBytesMax) return prelude;
  return Status::Corruption(fmt::format("header of a .npy file is too long: max_bytes={} actual={}",
                                        kTextBytesMax, prelude.text_bytes));
}

Result<NpyHeader> ParseNpyHeader(std::string_view text) {
  LiteralReader reader(text);
  Entries entries;
  VIPER_RETURN_IF_ERROR(reader.Expect('{'));
  while (!reader.Take('}')) {
    VIPER_RETURN_IF_ERROR(ReadEntry(reader, entries));
    if (reader.Peek() != '}') VIPER_RETURN_IF_ERROR(reader.Expect(','));
  }
  if (!entries.type.has_value() || !entries.fortran_order.has_value() ||
      !entries.shape.has_value()) {
    return reader.Error("descr, fortran_order or shape is missing");
  }
  if (entries.shape->size() != 2) {
    return Status::InvalidArgument(fmt::format("array is no matrix of one row per vector: shape={}",
                                               ShapeText(*entries.shape)));
  }
  if (*entries.fortran_order) {
    return Status::InvalidArgument(
        "array is in Fortran order (column after column); save numpy.ascontiguousarray(array): "
        "fortran_order=True");
  }
  return NpyHeader{*entries.type, (*entries.shape)[0], (*entries.shape)[1]};
}

}  // namespace viper::pipeline
