#include "parquet/scalar_chunk_writer.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include <arrow/io/memory.h>
#include <fmt/core.h>
#include <parquet/column_writer.h>
#include <parquet/properties.h>

#include "base/assert.h"
#include "parquet/parquet_codec.h"

namespace viper::parquet {
namespace {

using columnar::Column;
using columnar::StringArray;
using columnar::StringListArray;
using ::parquet::ByteArray;
using ::parquet::WriterProperties;

/// A row is fetched by decoding its page: 2,048 short ids take some 30 microseconds, and smaller
/// pages compress worse.
constexpr int64_t kRowsPerPage = 2048;
constexpr int64_t kScalarPageBytes = int64_t{128} << 10;
/// Fetching a row decodes the dictionary too, so it stays smaller than a page.
constexpr size_t kDictionaryBytesMax = size_t{16} << 10;

/// What is tried of a chunk: so many runs of rows, spread evenly, of so many levels and about so
/// many bytes.
constexpr size_t kSampleRuns = 4;
constexpr size_t kSampleRunLevels = 2048;
constexpr size_t kSampleRunBytes = size_t{64} << 10;
/// Below so many values there is nothing to be saved.
constexpr size_t kSampleValuesMin = 256;

constexpr Encoding kPlainOnly[] = {Encoding::kPlain};
constexpr Encoding kInt64Encodings[] = {Encoding::kDeltaBinaryPacked, Encoding::kPlain};
constexpr Encoding kFloat64Encodings[] = {Encoding::kPlain, Encoding::kByteStreamSplit};
constexpr Encoding kStringEncodings[] = {Encoding::kPlain, Encoding::kDeltaLengthByteArray,
                                         Encoding::kDeltaByteArray};

/// The codec that encodings are compared by, and those that the promising ones are tried with.
constexpr Compression kFirstCompression = {.codec = Codec::kZstd, .level = 3};
constexpr Compression kOtherCompressions[] = {{.codec = Codec::kNone},
                                              {.codec = Codec::kLz4},
                                              {.codec = Codec::kSnappy},
                                              {.codec = Codec::kZstd, .level = 1},
                                              {.codec = Codec::kZstd, .level = 9}};

/// Dense values and levels of a chunk; the levels are null where there are none.
template <typename DType>
struct ChunkValues {
  using Value = typename DType::c_type;

  size_t level_count = 0;
  const int16_t* definition = nullptr;
  const int16_t* repetition = nullptr;
  /// The level of a value that is there.
  int16_t max_definition = 0;
  const Value* values = nullptr;
  /// Whether few values repeat; a dictionary is only written then.
  bool dictionary_pays = false;
  bool has_statistics = true;
  /// What may be tried beside a dictionary. The first is written where nothing is tried.
  std::span<const Encoding> encodings = kPlainOnly;
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

std::shared_ptr<WriterProperties> ChunkProperties(const ColumnCoding& coding, bool has_statistics) {
  WriterProperties::Builder builder;
  builder.compression(ParquetCodec(coding.compression))
      ->data_pagesize(kScalarPageBytes)
      ->max_rows_per_page(kRowsPerPage)
      ->write_batch_size(256)  // how often the page size is looked at
      ->set_size_statistics_level(::parquet::SizeStatisticsLevel::None)
      ->enable_page_checksum();
  if (!coding.has_dictionary())
    builder.disable_dictionary()->encoding(ParquetEncoding(coding.encoding));
  if (!has_statistics) builder.disable_statistics();
  return builder.build();
}

/// Write values and levels as one chunk.
template <typename DType>
int64_t WriteChunk(const ScalarChunkPlace& place, const ColumnCoding& coding,
                   const ChunkValues<DType>& values,
                   ::parquet::BloomFilter* bloom_filter = nullptr) {
  const std::shared_ptr<WriterProperties> properties =
      ChunkProperties(coding, values.has_statistics && place.has_statistics);
  std::unique_ptr<::parquet::PageWriter> pages = ::parquet::PageWriter::Open(
      place.sink, ParquetCodec(coding.compression), place.metadata, /*row_group_ordinal=*/-1,
      /*column_chunk_ordinal=*/-1, ::arrow::default_memory_pool(), /*buffered_row_group=*/false,
      nullptr, nullptr, /*page_write_checksum_enabled=*/true, place.column_index,
      place.offset_index, ParquetCodecOptions(coding.compression));
  const std::shared_ptr<::parquet::ColumnWriter> writer = ::parquet::ColumnWriter::Make(
      place.metadata, std::move(pages), properties.get(), bloom_filter);
  static_cast<::parquet::TypedColumnWriter<DType>&>(*writer).WriteBatch(
      static_cast<int64_t>(values.level_count), values.definition, values.repetition,
      values.values);
  return writer->Close();
}

size_t BytesOf(bool) { return 1; }
size_t BytesOf(int64_t) { return sizeof(int64_t); }
size_t BytesOf(double) { return sizeof(double); }
size_t BytesOf(const ByteArray& text) { return text.len + sizeof(uint32_t); }

/// Values of some rows of a chunk, copied.
template <typename DType>
struct ChunkSample {
  std::vector<int16_t> definition;
  std::vector<int16_t> repetition;
  std::unique_ptr<typename DType::c_type[]> values;
  size_t level_count = 0;
  size_t value_count = 0;
};

template <typename DType>
ChunkSample<DType> TakeSample(const ChunkValues<DType>& all) {
  ChunkSample<DType> sample;
  std::vector<typename DType::c_type> taken;
  size_t run = kSampleRuns;
  size_t run_levels = 0;
  size_t run_bytes = 0;
  bool is_taking = false;
  size_t value = 0;
  for (size_t level = 0; level < all.level_count; ++level) {
    if (all.repetition == nullptr || all.repetition[level] == 0) {
      const size_t run_here = level * kSampleRuns / all.level_count;
      if (run_here != run) run_levels = run_bytes = 0;
      run = run_here;
      is_taking = run_levels < kSampleRunLevels && run_bytes < kSampleRunBytes;
    }
    const bool is_present =
        all.definition == nullptr || all.definition[level] == all.max_definition;
    if (is_taking) {
      ++run_levels;
      if (all.definition != nullptr) sample.definition.push_back(all.definition[level]);
      if (all.repetition != nullptr) sample.repetition.push_back(all.repetition[level]);
      if (is_present) {
        run_bytes += BytesOf(all.values[value]);
        taken.push_back(all.values[value]);
      }
      ++sample.level_count;
    }
    if (is_present) ++value;
  }
  sample.value_count = taken.size();
  sample.values = std::make_unique<typename DType::c_type[]>(taken.size());
  std::copy(taken.begin(), taken.end(), sample.values.get());
  return sample;
}

/// The bytes of the sample as a chunk.
template <typename DType>
CodingTrial Try(const ::parquet::ColumnDescriptor* column, const ColumnCoding& coding,
                const ChunkValues<DType>& sample) {
  PARQUET_ASSIGN_OR_THROW(const auto sink, ::arrow::io::BufferOutputStream::Create());
  const auto metadata = ::parquet::ColumnChunkMetaDataBuilder::Make(
      ChunkProperties(coding, sample.has_statistics), column);
  WriteChunk({.sink = sink, .metadata = metadata.get()}, coding, sample);
  PARQUET_ASSIGN_OR_THROW(const int64_t bytes, sink->Tell());
  return {coding, static_cast<uint64_t>(bytes)};
}

/// The best way with a dictionary, in place of the best of all.
void TakeDictionary(ColumnChoice& choice) {
  std::vector<CodingTrial> with = choice.trials;
  std::erase_if(with, [](const CodingTrial& trial) { return !trial.coding.has_dictionary(); });
  const Compression codec = choice.without_dictionary.compression;
  choice.coding = ChooseCoding(std::move(with)).coding;
  choice.reason = "values repeat, and a dictionary was asked for";
  // The chunks of a column have one codec.
  if (choice.coding.compression.codec != codec.codec) {
    choice.without_dictionary = {Encoding::kPlain, choice.coding.compression};
  }
}

/// Try the encodings with one codec, and the promising ones with all that are allowed.
template <typename DType>
SampledChoice Choose(const ::parquet::ColumnDescriptor* column, const TrialLimits& limits,
                     const ChunkValues<DType>& all) {
  const ChunkSample<DType> taken = TakeSample(all);
  const Compression first = limits.codec.value_or(kFirstCompression);
  const bool dictionary_pays = all.dictionary_pays && limits.dictionary;
  if (taken.value_count < kSampleValuesMin) {
    const ColumnCoding other{all.encodings.front(), first};
    const ColumnCoding best{dictionary_pays ? Encoding::kDictionary : other.encoding, first};
    return {{best, other, "too few values to try", {}}, false};
  }
  ChunkValues<DType> sample = all;
  sample.level_count = taken.level_count;
  if (all.definition != nullptr) sample.definition = taken.definition.data();
  if (all.repetition != nullptr) sample.repetition = taken.repetition.data();
  sample.values = taken.values.get();
  std::vector<Encoding> encodings(all.encodings.begin(), all.encodings.end());
  if (dictionary_pays) encodings.push_back(Encoding::kDictionary);
  std::vector<CodingTrial> trials;
  for (const Encoding encoding : encodings) {
    trials.push_back(Try(column, {encoding, first}, sample));
  }
  const auto promising = limits.codec ? std::vector<Encoding>() : PromisingEncodings(trials);
  for (const Encoding encoding : promising) {
    for (const Compression& compression : kOtherCompressions) {
      trials.push_back(Try(column, {encoding, compression}, sample));
    }
  }
  SampledChoice choice{ChooseCoding(std::move(trials)), taken.level_count >= kRowsPerPage};
  if (dictionary_pays && limits.prefers_dictionary && !choice.choice.coding.has_dictionary()) {
    TakeDictionary(choice.choice);
  }
  choice.choice.reason += fmt::format(", on {} values", taken.value_count);
  return choice;
}

/// The coding of a chunk by the column's choice; without one, as `fixed` says.
template <typename DType>
ColumnCoding CodingOf(const ScalarChunkPlace& place, const ChunkValues<DType>& values) {
  const bool dictionary_pays = values.dictionary_pays && place.allows_dictionary;
  if (place.choice != nullptr) {
    const ColumnChoice& choice = *place.choice;
    return choice.coding.has_dictionary() && !dictionary_pays ? choice.without_dictionary
                                                              : choice.coding;
  }
  return {dictionary_pays ? Encoding::kDictionary : values.encodings.front(), place.fixed};
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

bool Int64DictionaryPays(const std::vector<int64_t>& values) {
  return DictionaryPays(values, [](int64_t) { return sizeof(int64_t); });
}

bool TextDictionaryPays(const std::vector<std::string_view>& texts) {
  return DictionaryPays(texts,
                        [](std::string_view text) { return text.size() + sizeof(uint32_t); });
}

/// Rows [first, first + count) of a column.
struct ColumnRows {
  const Column& column;
  size_t first;
  size_t count;
};

/// The functions below call `use` with the ChunkValues of the rows, and return what it returns.

template <typename Use>
auto WithBools(const ColumnRows& rows, const Use& use) {
  const std::vector<int16_t> levels = DefinitionLevels(rows.column, rows.first, rows.count);
  const auto values = std::make_unique<bool[]>(rows.count);
  size_t value_count = 0;
  for (size_t row = rows.first; row < rows.first + rows.count; ++row) {
    if (rows.column.IsPresent(row)) values[value_count++] = rows.column.bools()[row] != 0;
  }
  return use(ChunkValues<::parquet::BooleanType>{.level_count = rows.count,
                                                 .definition = levels.data(),
                                                 .max_definition = 1,
                                                 .values = values.get()});
}

template <typename Use>
auto WithInt64s(const ColumnRows& rows, const Use& use) {
  const std::vector<int16_t> levels = DefinitionLevels(rows.column, rows.first, rows.count);
  const auto values = PresentValues<int64_t>(rows.column, rows.first, rows.count,
                                             [&](size_t row) { return rows.column.int64s()[row]; });
  return use(ChunkValues<::parquet::Int64Type>{.level_count = rows.count,
                                               .definition = levels.data(),
                                               .max_definition = 1,
                                               .values = values.data(),
                                               .dictionary_pays = Int64DictionaryPays(values),
                                               .encodings = kInt64Encodings});
}

template <typename Use>
auto WithFloat64s(const ColumnRows& rows, const Use& use) {
  const std::vector<int16_t> levels = DefinitionLevels(rows.column, rows.first, rows.count);
  const auto values = PresentValues<double>(
      rows.column, rows.first, rows.count, [&](size_t row) { return rows.column.float64s()[row]; });
  // Parquet leaves NaN out of the statistics, so with a NaN among the values they would not bound
  // them.
  const bool has_nan =
      std::any_of(values.begin(), values.end(), [](double value) { return std::isnan(value); });
  const bool dictionary = !has_nan && DictionaryPays(values, [](double) { return sizeof(double); });
  return use(ChunkValues<::parquet::DoubleType>{.level_count = rows.count,
                                                .definition = levels.data(),
                                                .max_definition = 1,
                                                .values = values.data(),
                                                .dictionary_pays = dictionary,
                                                .has_statistics = !has_nan,
                                                .encodings = kFloat64Encodings});
}

template <typename Use>
auto WithStrings(const ColumnRows& rows, const Use& use) {
  const std::vector<int16_t> levels = DefinitionLevels(rows.column, rows.first, rows.count);
  const StringArray& strings = rows.column.strings();
  const auto texts = PresentValues<std::string_view>(rows.column, rows.first, rows.count,
                                                     [&](size_t row) { return strings[row]; });
  std::vector<ByteArray> values(texts.size());
  std::transform(texts.begin(), texts.end(), values.begin(), ToByteArray);
  return use(ChunkValues<::parquet::ByteArrayType>{.level_count = rows.count,
                                                   .definition = levels.data(),
                                                   .max_definition = 1,
                                                   .values = values.data(),
                                                   .dictionary_pays = TextDictionaryPays(texts),
                                                   .encodings = kStringEncodings});
}

/// Levels of optional list<required string>: 0 absent, 1 empty, 2 an element.
template <typename Use>
auto WithStringLists(const ColumnRows& rows, const Use& use) {
  const StringListArray& lists = rows.column.string_lists();
  std::vector<int16_t> definition;
  std::vector<int16_t> repetition;
  std::vector<std::string_view> texts;
  for (size_t row = rows.first; row < rows.first + rows.count; ++row) {
    const bool present = rows.column.IsPresent(row);
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
  std::vector<ByteArray> values(texts.size());
  std::transform(texts.begin(), texts.end(), values.begin(), ToByteArray);
  return use(ChunkValues<::parquet::ByteArrayType>{.level_count = definition.size(),
                                                   .definition = definition.data(),
                                                   .repetition = repetition.data(),
                                                   .max_definition = 2,
                                                   .values = values.data(),
                                                   .dictionary_pays = TextDictionaryPays(texts),
                                                   .encodings = kStringEncodings});
}

template <typename Use>
auto WithColumn(const ColumnRows& rows, const Use& use) {
  VIPER_ASSERT(rows.first + rows.count <= rows.column.row_count());
  switch (rows.column.type()) {
    case FieldType::kBool:
      return WithBools(rows, use);
    case FieldType::kInt64:
    case FieldType::kTimestamp:
      return WithInt64s(rows, use);
    case FieldType::kFloat64:
      return WithFloat64s(rows, use);
    case FieldType::kString:
      return WithStrings(rows, use);
    case FieldType::kStringList:
      break;
  }
  return WithStringLists(rows, use);
}

template <typename Use>
auto WithIds(const StringArray& ids, size_t first, size_t count, const Use& use) {
  std::vector<ByteArray> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = ToByteArray(ids[first + i]);
  return use(ChunkValues<::parquet::ByteArrayType>{
      .level_count = count, .values = values.data(), .encodings = kStringEncodings});
}

template <typename Use>
auto WithRequiredTimestamps(std::span<const int64_t> times, const Use& use) {
  const std::vector<int64_t> values(times.begin(), times.end());
  return use(ChunkValues<::parquet::Int64Type>{.level_count = values.size(),
                                               .values = values.data(),
                                               .dictionary_pays = Int64DictionaryPays(values),
                                               .encodings = kInt64Encodings});
}

}  // namespace

int64_t WriteIdChunk(const ScalarChunkPlace& place, const StringArray& ids, size_t first,
                     size_t count, ::parquet::BloomFilter* bloom_filter) {
  return WithIds(ids, first, count, [&](const auto& values) {
    return WriteChunk(place, CodingOf(place, values), values, bloom_filter);
  });
}

int64_t WriteRequiredTimestampChunk(const ScalarChunkPlace& place,
                                    std::span<const int64_t> values) {
  return WithRequiredTimestamps(
      values, [&](const auto& chunk) { return WriteChunk(place, CodingOf(place, chunk), chunk); });
}

int64_t WriteColumnChunk(const ScalarChunkPlace& place, const Column& column, size_t first,
                         size_t count) {
  return WithColumn({column, first, count}, [&](const auto& values) {
    return WriteChunk(place, CodingOf(place, values), values);
  });
}

SampledChoice ChooseIdCoding(const ::parquet::ColumnDescriptor* leaf, const TrialLimits& limits,
                             const StringArray& ids, size_t first, size_t count) {
  return WithIds(ids, first, count,
                 [&](const auto& values) { return Choose(leaf, limits, values); });
}

SampledChoice ChooseRequiredTimestampCoding(const ::parquet::ColumnDescriptor* leaf,
                                            const TrialLimits& limits,
                                            std::span<const int64_t> values) {
  return WithRequiredTimestamps(values,
                                [&](const auto& chunk) { return Choose(leaf, limits, chunk); });
}

SampledChoice ChooseColumnCoding(const ::parquet::ColumnDescriptor* leaf, const TrialLimits& limits,
                                 const Column& column, size_t first, size_t count) {
  return WithColumn({column, first, count},
                    [&](const auto& values) { return Choose(leaf, limits, values); });
}

}  // namespace viper::parquet
