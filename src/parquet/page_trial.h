#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "parquet/column_coding.h"

namespace viper::parquet {

/// Pages of a sample, encoded in one way and not yet compressed: levels, then values.
struct EncodedSample {
  Encoding encoding = Encoding::kPlain;
  std::vector<std::vector<uint8_t>> pages;
  /// What else they take: their share of a dictionary.
  uint64_t other_bytes = 0;
};

/// Choose an encoding and a codec by compressing the pages: those of each encoding with Zstandard
/// 1, and of the promising ones with all codecs; or all with the only one that is allowed. One of
/// the encodings has no dictionary. Throws ParquetException.
ColumnChoice ChoosePageCoding(std::span<const EncodedSample> samples,
                              const std::optional<Compression>& only = {});

/// The bytes that the trial of the choice took. 0 if it was not tried.
uint64_t TriedBytes(const ColumnChoice& choice, const ColumnCoding& coding);

}  // namespace viper::parquet
