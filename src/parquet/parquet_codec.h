#pragma once

#include <parquet/properties.h>
#include <parquet/types.h>

#include "parquet/column_coding.h"

namespace viper::parquet {

/// Our choices as libparquet wants to hear them.
::parquet::Encoding::type ParquetEncoding(Encoding encoding);
::parquet::Compression::type ParquetCodec(const Compression& compression);
/// What a PageWriter wants beside ParquetCodec.
::parquet::CodecOptions ParquetCodecOptions(const Compression& compression);

}  // namespace viper::parquet
