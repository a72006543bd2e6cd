#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "viper/result.h"

namespace viper::pipeline {

/// What the numbers of a .npy file are; all little-endian.
enum class NpyType : uint8_t {
  kFloat16,
  kFloat32,
  kFloat64,
  kInt8,
  kUint8,
  kInt16,
  kUint16,
  kInt32,
  kUint32,
  kInt64,
  kUint64,
};

/// Bytes of one number.
size_t NpyTypeSize(NpyType type);

/// The head of a .npy file that this program can read: a matrix in C order.
struct NpyHeader {
  NpyType type = NpyType::kFloat32;
  uint64_t rows = 0;
  uint64_t columns = 0;
};

/// Bytes before the header's text: magic, version and the text's length. Versions 2 and 3 need all
/// of them, version 1 two fewer.
inline constexpr size_t kNpyPreludeBytes = 12;

/// Where the text of a header is.
struct NpyPrelude {
  size_t text_offset = 0;
  size_t text_bytes = 0;
};

/// Read the first bytes of a file (kNpyPreludeBytes, or all if it is shorter). Corruption if they
/// are not those of a .npy file, Unsupported for an unknown version.
Result<NpyPrelude> ParseNpyPrelude(std::span<const std::byte> bytes);

/// Read the text of a header, a Python dictionary such as
///   {'descr': '<f4', 'fortran_order': False, 'shape': (1000, 128), }
/// Corruption if it is none; InvalidArgument, naming the value, for what is no matrix of numbers in
/// C order. See numpy.lib.format for the format.
Result<NpyHeader> ParseNpyHeader(std::string_view text);

}  // namespace viper::pipeline
