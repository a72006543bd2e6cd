#include "parquet/sparse_page.h"

#include <cstring>

#include <parquet/encoding.h>

#include "base/assert.h"
#include "base/zero_count.h"
#include "parquet/parquet_codec.h"
#include "parquet/part_schema.h"
#include "parquet/vector_levels.h"

namespace viper::parquet {
namespace {

constexpr int16_t kNewRow = 0;
constexpr int16_t kSameRow = 1;
constexpr int16_t kEmptyVectorLevel = 0;
constexpr int16_t kVectorElementLevel = 1;

struct Levels {
  std::vector<int16_t> repetition;
  std::vector<int16_t> definition;

  void Add(int16_t of_repetition, int16_t of_definition) {
    repetition.push_back(of_repetition);
    definition.push_back(of_definition);
  }
  std::vector<uint8_t> Encode(int16_t max_definition) const {
    std::vector<uint8_t> bytes;
    AppendLevels(repetition, kSameRow, bytes);
    AppendLevels(definition, max_definition, bytes);
    return bytes;
  }
};

/// Append the components of one row; how many there were.
size_t AppendComponents(const std::byte* row, size_t dim, SparsePage& page) {
  const size_t before = page.indices.size();
  for (size_t i = 0; i < dim; ++i) {
    float component = 0;
    std::memcpy(&component, row + i * sizeof(float), sizeof(float));
    if (IsZero(component)) continue;
    page.indices.push_back(static_cast<int32_t>(i));
    page.values.push_back(component);
  }
  return page.indices.size() - before;
}

template <typename DType>
std::shared_ptr<::arrow::Buffer> EncodeAll(const std::vector<typename DType::c_type>& values,
                                           Encoding encoding) {
  const auto encoder = ::parquet::MakeTypedEncoder<DType>(ParquetEncoding(encoding));
  encoder->Put(values.data(), static_cast<int>(values.size()));
  return encoder->FlushValues();
}

}  // namespace

SparsePage MakeSparsePage(std::span<const std::byte* const> rows, size_t dim,
                          const std::vector<bool>& is_sparse, RowRange run) {
  VIPER_ASSERT(run.end() <= rows.size());
  SparsePage page;
  Levels levels;
  for (uint64_t row = run.first; row < run.end(); ++row) {
    if (is_sparse.empty() || !is_sparse[row]) {
      levels.Add(kNewRow, kDenseRowLevel);
      continue;
    }
    const size_t components = AppendComponents(rows[row], dim, page);
    levels.Add(kNewRow, components == 0 ? kEmptySparseLevel : kComponentLevel);
    for (size_t i = 1; i < components; ++i) levels.Add(kSameRow, kComponentLevel);
  }
  page.levels = levels.Encode(kComponentLevel);
  page.level_count = levels.repetition.size();
  return page;
}

std::shared_ptr<::arrow::Buffer> EncodeIndices(const SparsePage& page, Encoding encoding) {
  return EncodeAll<::parquet::Int32Type>(page.indices, encoding);
}

std::shared_ptr<::arrow::Buffer> EncodeValues(const SparsePage& page, Encoding encoding) {
  return EncodeAll<::parquet::FloatType>(page.values, encoding);
}

MixedLevels EncodeMixedLevels(size_t dim, const std::vector<bool>& is_sparse, RowRange run) {
  VIPER_ASSERT(run.end() <= is_sparse.size());
  Levels levels;
  for (uint64_t row = run.first; row < run.end(); ++row) {
    levels.Add(kNewRow, is_sparse[row] ? kEmptyVectorLevel : kVectorElementLevel);
    for (size_t i = 1; i < dim && !is_sparse[row]; ++i) levels.Add(kSameRow, kVectorElementLevel);
  }
  return {levels.Encode(kVectorElementLevel), levels.repetition.size()};
}

}  // namespace viper::parquet
