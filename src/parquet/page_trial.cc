#include "parquet/page_trial.h"

#include <algorithm>
#include <utility>

#include <arrow/util/compression.h>
#include <parquet/exception.h>

#include "parquet/parquet_codec.h"

namespace viper::parquet {
namespace {

constexpr Compression kPageCompressions[] = {
    {.codec = Codec::kZstd, .level = 1}, {.codec = Codec::kZstd, .level = 3},
    {.codec = Codec::kZstd, .level = 9}, {.codec = Codec::kLz4},
    {.codec = Codec::kSnappy},           {.codec = Codec::kNone}};

uint64_t CompressedBytes(const EncodedSample& sample, const Compression& compression) {
  uint64_t bytes = sample.other_bytes;
  if (compression.codec == Codec::kNone) {
    for (const auto& page : sample.pages) bytes += page.size();
    return bytes;
  }
  PARQUET_ASSIGN_OR_THROW(
      const auto codec,
      ::arrow::util::Codec::Create(
          ParquetCodec(compression),
          ::arrow::util::CodecOptions(ParquetCodecOptions(compression).compression_level)));
  std::vector<uint8_t> out;
  for (const auto& page : sample.pages) {
    const auto size = static_cast<int64_t>(page.size());
    out.resize(static_cast<size_t>(codec->MaxCompressedLen(size, page.data())));
    PARQUET_ASSIGN_OR_THROW(
        const int64_t written,
        codec->Compress(size, page.data(), static_cast<int64_t>(out.size()), out.data()));
    bytes += static_cast<uint64_t>(written);
  }
  return bytes;
}

}  // namespace

ColumnChoice ChoosePageCoding(std::span<const EncodedSample> samples,
                              const std::optional<Compression>& only) {
  const Compression first = only.value_or(kPageCompressions[0]);
  std::vector<CodingTrial> trials;
  for (const EncodedSample& sample : samples) {
    trials.push_back({{sample.encoding, first}, CompressedBytes(sample, first)});
  }
  if (only) return ChooseCoding(std::move(trials));
  const auto promising = PromisingEncodings(trials);
  for (const EncodedSample& sample : samples) {
    if (std::find(promising.begin(), promising.end(), sample.encoding) == promising.end()) continue;
    for (const Compression& compression : std::span(kPageCompressions).subspan(1)) {
      trials.push_back({{sample.encoding, compression}, CompressedBytes(sample, compression)});
    }
  }
  return ChooseCoding(std::move(trials));
}

uint64_t TriedBytes(const ColumnChoice& choice, const ColumnCoding& coding) {
  for (const CodingTrial& trial : choice.trials) {
    if (trial.coding == coding) return trial.bytes;
  }
  return 0;
}

}  // namespace viper::parquet
