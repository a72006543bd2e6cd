#include "parquet/vector_page.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <parquet/column_reader.h>

#include "parquet/vector_levels.h"

namespace viper::parquet {
namespace {

/// Cut `u32 length | block` off the front of `rest`.
std::optional<std::span<const uint8_t>> CutLevels(std::span<const uint8_t>& rest) {
  uint32_t length = 0;
  if (rest.size() < sizeof(length)) return std::nullopt;
  std::memcpy(&length, rest.data(), sizeof(length));
  rest = rest.subspan(sizeof(length));
  if (length > rest.size()) return std::nullopt;
  const auto block = rest.first(length);
  rest = rest.subspan(length);
  return block;
}

std::optional<PageParts> SplitV1(const ::parquet::DataPageV1& page, int16_t max_definition) {
  if (page.repetition_level_encoding() != ::parquet::Encoding::RLE ||
      (max_definition > 0 && page.definition_level_encoding() != ::parquet::Encoding::RLE)) {
    return std::nullopt;
  }
  const std::span<const uint8_t> body(page.data(), static_cast<size_t>(page.size()));
  std::span<const uint8_t> rest = body;
  const auto repetition = CutLevels(rest);
  if (!repetition) return std::nullopt;
  std::span<const uint8_t> definition;
  if (max_definition > 0) {
    const auto block = CutLevels(rest);
    if (!block) return std::nullopt;
    definition = *block;
  }
  return PageParts{*repetition, definition, rest, body.first(body.size() - rest.size())};
}

std::optional<PageParts> SplitV2(const ::parquet::DataPageV2& page) {
  const std::span<const uint8_t> body(page.data(), static_cast<size_t>(page.size()));
  const auto repetition = static_cast<size_t>(page.repetition_levels_byte_length());
  const auto definition = static_cast<size_t>(page.definition_levels_byte_length());
  if (repetition > body.size() || definition > body.size() - repetition) return std::nullopt;
  return PageParts{body.first(repetition),
                   body.subspan(repetition, definition),
                   body.subspan(repetition + definition),
                   {}};
}

}  // namespace

std::optional<PageParts> SplitPage(const ::parquet::DataPage& page, int16_t max_definition) {
  if (page.type() == ::parquet::PageType::DATA_PAGE) {
    return SplitV1(static_cast<const ::parquet::DataPageV1&>(page), max_definition);
  }
  return SplitV2(static_cast<const ::parquet::DataPageV2&>(page));
}

DenseLevelChecker::DenseLevelChecker(size_t dim, int16_t max_definition)
    : dim_(dim), max_definition_(max_definition) {}

bool DenseLevelChecker::AreDense(const PageParts& parts, size_t value_count) {
  if (!parts.levels.empty() && value_count == dense_value_count_ &&
      std::equal(dense_levels_.begin(), dense_levels_.end(), parts.levels.begin(),
                 parts.levels.end())) {
    return true;
  }
  if (!AreDenseVectorLevels(parts.repetition, parts.definition, max_definition_, value_count,
                            dim_)) {
    return false;
  }
  dense_levels_.assign(parts.levels.begin(), parts.levels.end());
  dense_value_count_ = value_count;
  return true;
}

std::optional<RowStarts> CountRowStarts(const PageParts& parts, size_t value_count) {
  constexpr size_t kBatch = 4096;
  int16_t levels[kBatch] = {};
  ::parquet::LevelDecoder decoder;
  decoder.SetDataV2(static_cast<int32_t>(parts.repetition.size()), /*max_level=*/1,
                    static_cast<int>(value_count), parts.repetition.data());
  RowStarts starts;
  for (size_t first = 0; first < value_count; first += kBatch) {
    const int wanted = static_cast<int>(std::min(kBatch, value_count - first));
    if (decoder.Decode(wanted, levels) != wanted) return std::nullopt;
    if (first == 0) starts.begins_with_row = levels[0] == 0;
    starts.count += static_cast<uint64_t>(std::count(levels, levels + wanted, int16_t{0}));
  }
  return starts;
}

std::optional<size_t> FindNotFinite(std::span<const std::byte> floats) {
  // All bits of the exponent set; looked at block by block, which the compiler makes vectors of.
  constexpr uint32_t kExponent = 0x7F800000;
  constexpr size_t kBlock = 1024;
  const size_t count = floats.size() / sizeof(float);
  for (size_t first = 0; first < count; first += kBlock) {
    const size_t block = std::min(kBlock, count - first);
    const std::byte* bytes = floats.data() + first * sizeof(float);
    uint32_t found = 0;
    for (size_t i = 0; i < block; ++i) {
      uint32_t bits = 0;
      std::memcpy(&bits, bytes + i * sizeof(float), sizeof(bits));
      found |= static_cast<uint32_t>((bits & kExponent) == kExponent);
    }
    if (found == 0) continue;
    for (size_t i = 0; i < block; ++i) {
      float value = 0;
      std::memcpy(&value, bytes + i * sizeof(float), sizeof(value));
      if (!std::isfinite(value)) return first + i;
    }
  }
  return std::nullopt;
}

}  // namespace viper::parquet
