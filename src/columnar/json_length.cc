#include "columnar/json_length.h"

#include "base/assert.h"

namespace viper::columnar {
namespace {

uint64_t DigitsOf(uint64_t number) {
  uint64_t digits = 1;
  for (; number >= 10; number /= 10) ++digits;
  return digits;
}

uint64_t LengthOf(int64_t number) {
  if (number >= 0) return DigitsOf(static_cast<uint64_t>(number));
  return 1 + DigitsOf(~static_cast<uint64_t>(number) + 1);
}

}  // namespace

uint64_t JsonLengthOf(std::string_view text) {
  constexpr std::string_view kShortEscapes = "\b\f\n\r\t\"\\";
  constexpr uint64_t kUnicodeEscape = 6;  // \u001f
  uint64_t length = 2 + text.size();
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\') continue;
    length += kShortEscapes.find(c) != std::string_view::npos ? 1 : kUnicodeEscape - 1;
  }
  return length;
}

uint64_t JsonLengthAt(const Column& column, size_t row) {
  VIPER_DCHECK(column.IsPresent(row));
  switch (column.type()) {
    case FieldType::kInt64:
      return LengthOf(column.int64s()[row]);
    case FieldType::kString:
      return JsonLengthOf(column.strings()[row]);
    default:
      return column.ValueAt(row).ToJson().size();
  }
}

}  // namespace viper::columnar
