#pragma once

#include <memory>

#include "core/collection_context.h"
#include "core/read_view.h"
#include "viper/index_report.h"
#include "viper/result.h"

namespace viper::core {

/// Collection::ReportIndex, on one view.
Result<IndexReport> ReportIndex(const CollectionContext& context,
                                const std::shared_ptr<const ReadView>& view);

/// Clusters of the model that hold rows of some segment.
uint64_t ActiveClusters(const IndexFiles& files);

/// Rows of the view's parts that are found through the index.
uint64_t IndexedRows(const ReadView& view, const ViewIndex& view_index);

}  // namespace viper::core
