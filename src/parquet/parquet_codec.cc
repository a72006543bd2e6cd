#include "parquet/parquet_codec.h"

namespace viper::parquet {

::parquet::Encoding::type ParquetEncoding(Encoding encoding) {
  switch (encoding) {
    case Encoding::kPlain:
      return ::parquet::Encoding::PLAIN;
    case Encoding::kDictionary:
      return ::parquet::Encoding::RLE_DICTIONARY;
    case Encoding::kByteStreamSplit:
      return ::parquet::Encoding::BYTE_STREAM_SPLIT;
    case Encoding::kDeltaBinaryPacked:
      return ::parquet::Encoding::DELTA_BINARY_PACKED;
    case Encoding::kDeltaLengthByteArray:
      return ::parquet::Encoding::DELTA_LENGTH_BYTE_ARRAY;
    case Encoding::kDeltaByteArray:
      break;
  }
  return ::parquet::Encoding::DELTA_BYTE_ARRAY;
}

::parquet::Compression::type ParquetCodec(const Compression& compression) {
  switch (compression.codec) {
    case Codec::kNone:
      return ::parquet::Compression::UNCOMPRESSED;
    case Codec::kLz4:
      return ::parquet::Compression::LZ4;  // LZ4_RAW on disk
    case Codec::kSnappy:
      return ::parquet::Compression::SNAPPY;
    case Codec::kGzip:
      return ::parquet::Compression::GZIP;
    case Codec::kBrotli:
      return ::parquet::Compression::BROTLI;
    case Codec::kZstd:
      break;
  }
  return ::parquet::Compression::ZSTD;
}

::parquet::CodecOptions ParquetCodecOptions(const Compression& compression) {
  if (compression.codec < Codec::kZstd) return ::parquet::CodecOptions();  // they have no levels
  return ::parquet::CodecOptions(compression.level);
}

}  // namespace viper::parquet
