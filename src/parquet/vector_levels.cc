#include "parquet/vector_levels.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <parquet/column_reader.h>
#include <parquet/column_writer.h>

#include "base/assert.h"

namespace viper::parquet {
namespace {

constexpr int16_t kMaxLevel = 1;
constexpr size_t kLengthBytes = sizeof(uint32_t);
static_assert(std::endian::native == std::endian::little, "Parquet lengths are little-endian");

/// Check `count` levels, in batches, with `is_expected(position, level)`.
template <typename IsExpected>
bool CheckLevels(std::span<const uint8_t> bytes, int16_t max_level, size_t count,
                 const IsExpected& is_expected) {
  constexpr size_t kLevelsTogether = 4096;
  std::vector<int16_t> levels(std::min(count, kLevelsTogether));
  ::parquet::LevelDecoder decoder;
  decoder.SetDataV2(static_cast<int32_t>(bytes.size()), max_level, static_cast<int>(count),
                    bytes.data());
  for (size_t position = 0; position < count;) {
    const size_t wanted = std::min(count - position, kLevelsTogether);
    const int decoded = decoder.Decode(static_cast<int>(wanted), levels.data());
    if (decoded <= 0) return false;
    for (size_t i = 0; i < static_cast<size_t>(decoded); ++i) {
      if (!is_expected(position + i, levels[i])) return false;
    }
    position += static_cast<size_t>(decoded);
  }
  return true;
}

}  // namespace

void AppendLevels(std::span<const int16_t> levels, int16_t max_level, std::vector<uint8_t>& out) {
  const int count = static_cast<int>(levels.size());
  const int bytes_max =
      ::parquet::LevelEncoder::MaxBufferSize(::parquet::Encoding::RLE, max_level, count);
  const size_t start = out.size();
  out.resize(start + kLengthBytes + static_cast<size_t>(bytes_max));
  ::parquet::LevelEncoder encoder;
  encoder.Init(::parquet::Encoding::RLE, max_level, count, out.data() + start + kLengthBytes,
               bytes_max);
  const int encoded = encoder.Encode(count, levels.data());
  VIPER_ASSERT(encoded == count);
  const uint32_t length = static_cast<uint32_t>(encoder.len());
  std::memcpy(out.data() + start, &length, kLengthBytes);
  out.resize(start + kLengthBytes + length);
}

std::vector<uint8_t> EncodeVectorLevels(size_t row_count, size_t dim) {
  VIPER_ASSERT(row_count > 0 && dim > 0);
  std::vector<int16_t> levels(row_count * dim, 1);
  std::vector<uint8_t> definition;
  AppendLevels(levels, kMaxLevel, definition);
  for (size_t row = 0; row < row_count; ++row) levels[row * dim] = 0;
  std::vector<uint8_t> bytes;
  AppendLevels(levels, kMaxLevel, bytes);
  bytes.insert(bytes.end(), definition.begin(), definition.end());
  return bytes;
}

bool AreDenseVectorLevels(std::span<const uint8_t> repetition, std::span<const uint8_t> definition,
                          int16_t max_definition, size_t value_count, size_t dim) {
  if (dim == 0 || value_count % dim != 0) return false;
  if (!CheckLevels(repetition, kMaxLevel, value_count, [dim](size_t position, int16_t level) {
        return level == (position % dim == 0 ? 0 : 1);
      })) {
    return false;
  }
  return max_definition == 0 ||
         CheckLevels(definition, max_definition, value_count,
                     [max_definition](size_t, int16_t level) { return level == max_definition; });
}

}  // namespace viper::parquet
