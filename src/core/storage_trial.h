#pragma once

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

/// Collection::TryStorage, on one view. `build` is how files are written otherwise.
Result<StorageTrialReport> TryStorage(const CollectionContext& context, const ReadView& view,
                                      PartBuildOptions build, std::span<const StorageWay> ways,
                                      const StorageTrialOptions& options);

}  // namespace viper::core
