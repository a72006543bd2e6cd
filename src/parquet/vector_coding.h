#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <arrow/buffer.h>

#include "parquet/column_coding.h"

namespace viper::parquet {

/// The different values of some floats, as bit patterns in rising order.
using FloatDictionary = std::vector<uint32_t>;

/// Collect the different values of rows of `dim` floats at any byte address. Absent if they are
/// more than a dictionary page may hold, which is decoded with every page.
std::optional<FloatDictionary> CollectFloats(std::span<const std::byte* const> rows, size_t dim);

/// Encodes the floats of pages, bit for bit. Not thread-safe.
class VectorPageEncoder {
 public:
  /// `dictionary` for kDictionary only: every float to be encoded is in it.
  VectorPageEncoder(Encoding encoding, const FloatDictionary& dictionary);
  ~VectorPageEncoder();

  /// What Parquet's data page holds behind the levels for these floats. Throws ParquetException.
  std::shared_ptr<::arrow::Buffer> Encode(std::span<const uint8_t> floats);

 private:
  struct Encoders;
  std::unique_ptr<Encoders> encoders_;
};

/// Whether a page of such floats can be searched where it lies in the file.
bool IsMapped(const ColumnCoding& coding);

/// Under kSpeed fewer bytes of floats than this are not worth a decode.
inline constexpr size_t kSpeedBytesMin = size_t{1} << 20;
/// The bytes that reading one row in place touches on average, in the blocks of 4 KiB that a system
/// reads files by.
double InPlaceBytes(size_t dim);
/// How many times the bytes of a page reading in place must touch for decoding the page to be worth
/// it, which takes many times as long as touching a row that is in memory.
inline constexpr double kPlaceToPage = 16;

/// Bytes of floats of a page, about: 1 MiB where it is mapped. What must be decoded for a single
/// row is smaller; under kSize as large as one block of Zstandard is for each byte of a float.
size_t VectorPageBytes(const ColumnCoding& coding, StoragePolicy policy);

/// Choose how to write the vectors of a part by encoding pages of them in several ways. Under
/// kSpeed they stay plain unless a compressed page takes a kPlaceToPage-th of the bytes that
/// reading one row in place touches (docs/decisions/0019), or a codec is prescribed.
ColumnChoice ChooseVectorCoding(std::span<const std::byte* const> rows, size_t dim,
                                StoragePolicy policy, const TrialLimits& limits = {});

}  // namespace viper::parquet
