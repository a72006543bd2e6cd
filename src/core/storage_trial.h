#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/collection_context.h"
#include "core/part_builder.h"
#include "core/read_view.h"
#include "parquet/column_coding.h"
#include "viper/result.h"
#include "viper/storage_trial.h"

namespace viper::core {

/// The way as those who write files take it.
parquet::CompressionOptions CompressionOf(const StorageWay& way);

/// How many rows a trial takes: as many as are wanted, but of rows as large as these - so many,
/// with so many bytes in all, and vectors of `dim` components - not more than about 256 MiB. One at
/// least.
uint64_t BoundedSample(uint64_t wanted, uint64_t rows, uint64_t bytes, size_t dim);

/// Collection::TryStorage, on one view. `build` is how files are written otherwise.
Result<StorageTrialReport> TryStorage(const CollectionContext& context, const ReadView& view,
                                      PartBuildOptions build, std::span<const StorageWay> ways,
                                      const StorageTrialOptions& options);

}  // namespace viper::core
