#include "parquet/parquet_codec.h"

#include <gtest/gtest.h>

namespace viper::parquet {
namespace {

TEST(ParquetCodec, EveryEncodingHasParquetsNameForIt) {
  const std::pair<Encoding, const char*> all[] = {
      {Encoding::kPlain, "PLAIN"},
      {Encoding::kDictionary, "RLE_DICTIONARY"},
      {Encoding::kByteStreamSplit, "BYTE_STREAM_SPLIT"},
      {Encoding::kDeltaBinaryPacked, "DELTA_BINARY_PACKED"},
      {Encoding::kDeltaLengthByteArray, "DELTA_LENGTH_BYTE_ARRAY"},
      {Encoding::kDeltaByteArray, "DELTA_BYTE_ARRAY"}};
  for (const auto& [encoding, name] : all) {
    EXPECT_EQ(::parquet::EncodingToString(ParquetEncoding(encoding)), name);
  }
}

TEST(ParquetCodec, OnlyZstandardHasALevel) {
  EXPECT_EQ(ParquetCodec({.codec = Codec::kLz4}), ::parquet::Compression::LZ4);
  EXPECT_EQ(ParquetCodec({.level = 9}), ::parquet::Compression::ZSTD);
  EXPECT_EQ(ParquetCodecOptions({.level = 9}).compression_level, 9);
  EXPECT_EQ(ParquetCodecOptions({.codec = Codec::kLz4, .level = 9}).compression_level,
            ::parquet::CodecOptions().compression_level);
}

}  // namespace
}  // namespace viper::parquet
