#include "parquet/vector_coding.h"

#include <algorithm>
#include <cstring>
#include <unordered_set>
#include <utility>

#include <fmt/core.h>
#include <parquet/encoding.h>

#include "base/assert.h"
#include "parquet/page_trial.h"
#include "parquet/parquet_codec.h"
#include "parquet/vector_levels.h"

namespace viper::parquet {
namespace {

constexpr size_t kMappedPageBytes = size_t{1} << 20;
constexpr size_t kSpeedPageBytes = size_t{64} << 10;
constexpr size_t kSizePageBytes = size_t{512} << 10;
/// 16 KiB: what is read and decoded in front of every page.
constexpr size_t kDictionaryValuesMax = 4096;
/// Pages that are tried, spread evenly over the rows.
constexpr size_t kSamplePages = 2;
/// What the operating system reads a file by.
constexpr double kBlockBytes = 4096;

struct Sample {
  /// The floats of each page.
  std::vector<std::vector<uint8_t>> floats;
  std::vector<size_t> row_counts;
  size_t row_count = 0;
};

Sample TakePages(std::span<const std::byte* const> rows, size_t dim, size_t page_bytes) {
  const size_t row_bytes = dim * sizeof(float);
  const size_t per_page = std::max<size_t>(1, page_bytes / row_bytes);
  Sample sample;
  size_t next = 0;
  for (size_t page = 0; page < kSamplePages; ++page) {
    const size_t first = std::max(next, rows.size() * page / kSamplePages);
    const size_t count = std::min(per_page, rows.size() - std::min(first, rows.size()));
    if (count == 0) break;
    std::vector<uint8_t>& floats = sample.floats.emplace_back(count * row_bytes);
    for (size_t row = 0; row < count; ++row) {
      std::memcpy(floats.data() + row * row_bytes, rows[first + row], row_bytes);
    }
    sample.row_counts.push_back(count);
    sample.row_count += count;
    next = first + count;
  }
  return sample;
}

EncodedSample EncodePages(const Sample& sample, size_t dim, Encoding encoding,
                          const FloatDictionary& dictionary) {
  VectorPageEncoder encoder(encoding, dictionary);
  EncodedSample encoded{.encoding = encoding, .pages = {}};
  for (size_t i = 0; i < sample.floats.size(); ++i) {
    std::vector<uint8_t>& page =
        encoded.pages.emplace_back(EncodeVectorLevels(sample.row_counts[i], dim));
    const auto values = encoder.Encode(sample.floats[i]);
    page.insert(page.end(), values->data(), values->data() + values->size());
  }
  return encoded;
}

ColumnChoice StayPlain(std::vector<CodingTrial> trials, std::string reason) {
  const ColumnCoding plain{Encoding::kPlain, {.codec = Codec::kNone}};
  return {plain, plain, std::move(reason), std::move(trials)};
}

/// Whether what was chosen is worth decoding under kSpeed; else plain, which says why.
ColumnChoice KeepIfReadingIsCheaper(ColumnChoice choice, const Sample& sample, size_t dim) {
  if (IsMapped(choice.coding)) return choice;
  const double page = static_cast<double>(TriedBytes(choice, choice.coding)) /
                      static_cast<double>(sample.floats.size());
  const double in_place = InPlaceBytes(dim);
  const std::string why =
      fmt::format("a page of {} takes {:.0f} bytes, reading a row in place {:.0f}",
                  CodingName(choice.coding), page, in_place);
  if (kPlaceToPage * page > in_place) {
    return StayPlain(std::move(choice.trials), "read in place: " + why);
  }
  choice.reason = "decoding costs less than reading in place: " + why;
  return choice;
}

}  // namespace

std::optional<FloatDictionary> CollectFloats(std::span<const std::byte* const> rows, size_t dim) {
  std::unordered_set<uint32_t> found;
  for (const std::byte* row : rows) {
    for (size_t i = 0; i < dim; ++i) {
      uint32_t bits = 0;
      std::memcpy(&bits, row + i * sizeof(bits), sizeof(bits));
      found.insert(bits);
    }
    if (found.size() > kDictionaryValuesMax) return std::nullopt;
  }
  FloatDictionary dictionary(found.begin(), found.end());
  std::sort(dictionary.begin(), dictionary.end());
  return dictionary;
}

struct VectorPageEncoder::Encoders {
  std::unique_ptr<::parquet::FloatEncoder> split;
  /// Of bit patterns, so that equal is what has equal bits. Indices take as many bits as the
  /// dictionary needs.
  std::unique_ptr<::parquet::Int32Encoder> indices;
  std::vector<int32_t> bits;
  std::vector<float> floats;
};

VectorPageEncoder::VectorPageEncoder(Encoding encoding, const FloatDictionary& dictionary)
    : encoders_(std::make_unique<Encoders>()) {
  if (encoding == Encoding::kByteStreamSplit) {
    encoders_->split = ::parquet::MakeTypedEncoder<::parquet::FloatType>(ParquetEncoding(encoding));
  } else if (encoding == Encoding::kDictionary) {
    encoders_->indices = ::parquet::MakeTypedEncoder<::parquet::Int32Type>(
        ::parquet::Encoding::PLAIN, /*use_dictionary=*/true);
    const std::vector<int32_t> values(dictionary.begin(), dictionary.end());
    encoders_->indices->Put(values.data(), static_cast<int>(values.size()));
    (void)encoders_->indices->FlushValues();  // these are no values of a page
  } else {
    VIPER_ASSERT(encoding == Encoding::kPlain);
  }
}

VectorPageEncoder::~VectorPageEncoder() = default;

std::shared_ptr<::arrow::Buffer> VectorPageEncoder::Encode(std::span<const uint8_t> floats) {
  const size_t count = floats.size() / sizeof(float);  // none where all rows are sparse
  if (encoders_->split != nullptr) {
    encoders_->floats.resize(count);
    if (count > 0) std::memcpy(encoders_->floats.data(), floats.data(), floats.size());
    encoders_->split->Put(encoders_->floats.data(), static_cast<int>(count));
    return encoders_->split->FlushValues();
  }
  if (encoders_->indices != nullptr) {
    encoders_->bits.resize(count);
    if (count > 0) std::memcpy(encoders_->bits.data(), floats.data(), floats.size());
    encoders_->indices->Put(encoders_->bits.data(), static_cast<int>(count));
    return encoders_->indices->FlushValues();
  }
  return std::make_shared<::arrow::Buffer>(floats.data(), static_cast<int64_t>(floats.size()));
}

double InPlaceBytes(size_t dim) {
  return kBlockBytes + static_cast<double>(dim * sizeof(float) - 1);
}

bool IsMapped(const ColumnCoding& coding) {
  return coding.encoding == Encoding::kPlain && coding.compression.codec == Codec::kNone;
}

size_t VectorPageBytes(const ColumnCoding& coding, StoragePolicy policy) {
  if (IsMapped(coding)) return kMappedPageBytes;
  return policy == StoragePolicy::kSize ? kSizePageBytes : kSpeedPageBytes;
}

ColumnChoice ChooseVectorCoding(std::span<const std::byte* const> rows, size_t dim,
                                StoragePolicy policy, const TrialLimits& limits) {
  const bool is_fast = policy == StoragePolicy::kSpeed && !limits.codec;
  if (is_fast && rows.size() * dim * sizeof(float) < kSpeedBytesMin) {
    return StayPlain({}, fmt::format("read in place: fewer than {} bytes", kSpeedBytesMin));
  }
  const ColumnCoding any_compressed{Encoding::kPlain, {.codec = Codec::kZstd}};
  const Sample sample = TakePages(rows, dim, VectorPageBytes(any_compressed, policy));
  std::vector<Encoding> encodings = {Encoding::kPlain, Encoding::kByteStreamSplit};
  std::vector<const std::byte*> sampled_rows;
  for (const auto& page : sample.floats) {
    for (size_t at = 0; at < page.size(); at += dim * sizeof(float)) {
      sampled_rows.push_back(reinterpret_cast<const std::byte*>(page.data()) + at);
    }
  }
  const auto dictionary =
      limits.dictionary ? CollectFloats(sampled_rows, dim) : std::optional<FloatDictionary>();
  if (dictionary) encodings.push_back(Encoding::kDictionary);
  std::vector<EncodedSample> encoded;
  for (const Encoding encoding : encodings) {
    encoded.push_back(EncodePages(sample, dim, encoding, dictionary.value_or(FloatDictionary())));
  }
  if (dictionary) {
    // The chunk has one, at least as large as that of the sample.
    encoded.back().other_bytes =
        dictionary->size() * sizeof(float) * sample.row_count / rows.size();
  }
  ColumnChoice choice = ChoosePageCoding(encoded, limits.codec);
  choice.reason += fmt::format(", on {} vectors", sample.row_count);
  return is_fast ? KeepIfReadingIsCheaper(std::move(choice), sample, dim) : choice;
}

}  // namespace viper::parquet
