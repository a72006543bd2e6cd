#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/collection_context.h"
#include "core/read_view.h"
#include "viper/index_report.h"
#include "viper/options.h"
#include "viper/result.h"

namespace viper::core {

/// Collection::PredictOptimalCluster. Compares the vector with every centroid.
Result<ClusterPrediction> PredictOptimalCluster(const CollectionContext& context,
                                                std::span<const float> vector);

/// Collection::PredictRelevantClusters, on one view; uses `k` and `recall` of the options.
Result<std::vector<RelevantCluster>> PredictRelevantClusters(
    const CollectionContext& context, const std::shared_ptr<const ReadView>& view,
    std::span<const float> query, const SearchOptions& options);

}  // namespace viper::core
