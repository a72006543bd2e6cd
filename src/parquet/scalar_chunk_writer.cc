#include "parquet/scalar_chunk_writer.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include <parquet/column_writer.h>
#include <parquet/properties.h>

#include "base/assert.h"

namespace viper::parquet {
namespace {

using columnar::Column;
using columnar::StringArray;
using columnar::StringListArray;
using ::parquet::ByteArray;
using ::parquet::Encoding;
using ::parquet::WriterProperties;

/// A row is fetched by decoding its page: 2,048 short ids take some 30 microseconds, and smaller
/// pages compress worse.
constexpr int64_t kRowsPerPage = 2048;
constexpr int64_t kScalarPageBytes = int64_t{128} << 10;
/// Fetching a row decodes the dictionary too, so it stays smaller than a page.
constexpr size_t kDictionaryBytesMax = size_t{16} << 10;

/// How the values of a chunk are written.
struct ChunkEncoding {
  bool dictionary = false;
  Encoding::type encoding = Encoding::PLAIN;
  bool statistics = true;
};

int16_t PresentLevel(bool present) { return present ? 1 : 0; }

/// Count distinct values as long as they fit a dictionary that pays: each value at least twice on
/// average.
template <typename Value, typename Size>
bool DictionaryPays(const std::vector<Value>& values, const Size& size) {
  std::unordered_set<Value> distinct;
  size_t dictionary_bytes = 0;
  for (const Value& value : values) {
    if (!distinct.insert(value).second) continue;
    dictionary_bytes += size(value);
    if (dictionary_bytes > kDictionaryBytesMax || distinct.size() > values.size() / 2) return false;
  }
  return !values.empty();
}

/// Write dense `values` and levels as one chunk.
template <typename DType>
int64_t WriteChunk(const ScalarChunkPlace& place, const ChunkEncoding& encoding, size_t level_count,
                   const int16_t* definition, const int16_t* repetition,
                   const typename DType::c_type* values,
                   ::parquet::BloomFilter* bloom_filter = nullptr) {
  WriterProperties::Builder builder;
  builder.compression(::parquet::Compression::ZSTD)
      ->compression_level(place.zstd_level)
      ->encoding(encoding.encoding)
      ->data_pagesize(kScalarPageBytes)
      ->max_rows_per_page(kRowsPerPage)
      ->write_batch_size(256)  // how often the page size is looked at
      ->set_size_statistics_level(::parquet::SizeStatisticsLevel::None)
      ->enable_page_checksum();
  if (!encoding.dictionary) builder.disable_dictionary();
  if (!encoding.statistics) builder.disable_statistics();
  const std::shared_ptr<WriterProperties> properties = builder.build();

  ::parquet::CodecOptions codec_options(place.zstd_level);
  std::unique_ptr<::parquet::PageWriter> pages = ::parquet::PageWriter::Open(
      place.sink, ::parquet::Compression::ZSTD, place.metadata, /*row_group_ordinal=*/-1,
      /*column_chunk_ordinal=*/-1, ::arrow::default_memory_pool(), /*buffered_row_group=*/false,
      nullptr, nullptr, /*page_write_checksum_enabled=*/true, place.column_index,
      place.offset_index, codec_options);
  const std::shared_ptr<::parquet::ColumnWriter> writer = ::parquet::ColumnWriter::Make(
      place.metadata, std::move(pages), properties.get(), bloom_filter);
  static_cast<::parquet::TypedColumnWriter<DType>&>(*writer).WriteBatch(
      static_cast<int64_t>(level_count), definition, repetition, values);
  return writer->Close();
}

ByteArray ToByteArray(std::string_view text) {
  return ByteArray(static_cast<uint32_t>(text.size()),
                   reinterpret_cast<const uint8_t*>(text.data()));
}

std::vector<int16_t> DefinitionLevels(const Column& column, size_t first, size_t count) {
  std::vector<int16_t> levels(count, 1);
  if (column.null_count() > 0) {
    for (size_t i = 0; i < count; ++i) levels[i] = PresentLevel(column.IsPresent(first + i));
  }
  return levels;
}

/// The present values of a column's rows, each converted by `get(row)`.
template <typename Value, typename Get>
std::vector<Value> PresentValues(const Column& column, size_t first, size_t count, const Get& get) {
  std::vector<Value> values;
  values.reserve(count);
  for (size_t row = first; row < first + count; ++row) {
    if (column.IsPresent(row)) values.push_back(get(row));
  }
  return values;
}

ChunkEncoding ChooseInt64Encoding(const std::vector<int64_t>& values) {
  const bool dictionary = DictionaryPays(values, [](int64_t) { return sizeof(int64_t); });
  return {.dictionary = dictionary,
          .encoding = dictionary ? Encoding::PLAIN : Encoding::DELTA_BINARY_PACKED};
}

int64_t WriteBools(const ScalarChunkPlace& place, const Column& column, size_t first,
                   size_t count) {
  const std::vector<int16_t> levels = DefinitionLevels(column, first, count);
  const auto values = std::make_unique<bool[]>(count);
  size_t value_count = 0;
  for (size_t row = first; row < first + count; ++row) {
    if (column.IsPresent(row)) values[value_count++] = column.bools()[row] != 0;
  }
  return WriteChunk<::parquet::BooleanType>(place, {}, count, levels.data(), nullptr, values.get());
}

int64_t WriteFloat64s(const ScalarChunkPlace& place, const Column& column, size_t first,
                      size_t count) {
  const std::vector<int16_t> levels = DefinitionLevels(column, first, count);
  const auto values = PresentValues<double>(column, first, count,
                                            [&](size_t row) { return column.float64s()[row]; });
  // Parquet leaves NaN out of the statistics, so with a NaN among the values they would not bound
  // them.
  const bool has_nan =
      std::any_of(values.begin(), values.end(), [](double value) { return std::isnan(value); });
  const bool dictionary = !has_nan && DictionaryPays(values, [](double) { return sizeof(double); });
  return WriteChunk<::parquet::DoubleType>(place,
                                           {.dictionary = dictionary, .statistics = !has_nan},
                                           count, levels.data(), nullptr, values.data());
}

int64_t WriteStrings(const ScalarChunkPlace& place, const Column& column, size_t first,
                     size_t count) {
  const std::vector<int16_t> levels = DefinitionLevels(column, first, count);
  const StringArray& strings = column.strings();
  const auto texts = PresentValues<std::string_view>(column, first, count,
                                                     [&](size_t row) { return strings[row]; });
  const bool dictionary =
      DictionaryPays(texts, [](std::string_view text) { return text.size() + sizeof(uint32_t); });
  std::vector<ByteArray> values(texts.size());
  std::transform(texts.begin(), texts.end(), values.begin(), ToByteArray);
  return WriteChunk<::parquet::ByteArrayType>(place, {.dictionary = dictionary}, count,
                                              levels.data(), nullptr, values.data());
}

/// Levels of optional list<required string>: 0 absent, 1 empty, 2 an element.
int64_t WriteStringLists(const ScalarChunkPlace& place, const Column& column, size_t first,
                         size_t count) {
  const StringListArray& lists = column.string_lists();
  std::vector<int16_t> definition;
  std::vector<int16_t> repetition;
  std::vector<std::string_view> texts;
  for (size_t row = first; row < first + count; ++row) {
    const bool present = column.IsPresent(row);
    const uint64_t begin = lists.offsets[row];
    const uint64_t end = present ? lists.offsets[row + 1] : begin;
    if (begin == end) {
      definition.push_back(PresentLevel(present));
      repetition.push_back(0);
    }
    for (uint64_t element = begin; element < end; ++element) {
      definition.push_back(2);
      repetition.push_back(element == begin ? 0 : 1);
      texts.push_back(lists.elements[element]);
    }
  }
  const bool dictionary =
      DictionaryPays(texts, [](std::string_view text) { return text.size() + sizeof(uint32_t); });
  std::vector<ByteArray> values(texts.size());
  std::transform(texts.begin(), texts.end(), values.begin(), ToByteArray);
  return WriteChunk<::parquet::ByteArrayType>(place, {.dictionary = dictionary}, definition.size(),
                                              definition.data(), repetition.data(), values.data());
}

}  // namespace

int64_t WriteIdChunk(const ScalarChunkPlace& place, const StringArray& ids, size_t first,
                     size_t count, ::parquet::BloomFilter* bloom_filter) {
  std::vector<ByteArray> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = ToByteArray(ids[first + i]);
  return WriteChunk<::parquet::ByteArrayType>(place, {}, count, nullptr, nullptr, values.data(),
                                              bloom_filter);
}

int64_t WriteRequiredTimestampChunk(const ScalarChunkPlace& place,
                                    std::span<const int64_t> values) {
  const std::vector<int64_t> copy(values.begin(), values.end());
  return WriteChunk<::parquet::Int64Type>(place, ChooseInt64Encoding(copy), copy.size(), nullptr,
                                          nullptr, copy.data());
}

int64_t WriteColumnChunk(const ScalarChunkPlace& place, const Column& column, size_t first,
                         size_t count) {
  VIPER_ASSERT(first + count <= column.row_count());
  switch (column.type()) {
    case FieldType::kBool:
      return WriteBools(place, column, first, count);
    case FieldType::kInt64:
    case FieldType::kTimestamp: {
      const std::vector<int16_t> levels = DefinitionLevels(column, first, count);
      const auto values = PresentValues<int64_t>(column, first, count,
                                                 [&](size_t row) { return column.int64s()[row]; });
      return WriteChunk<::parquet::Int64Type>(place, ChooseInt64Encoding(values), count,
                                              levels.data(), nullptr, values.data());
    }
    case FieldType::kFloat64:
      return WriteFloat64s(place, column, first, count);
    case FieldType::kString:
      return WriteStrings(place, column, first, count);
    case FieldType::kStringList:
      break;
  }
  return WriteStringLists(place, column, first, count);
}

}  // namespace viper::parquet
