#pragma once

#include <vector>

#include "core/collection_context.h"
#include "storage/table_log.h"
#include "viper/result.h"
#include "viper/snapshot.h"

namespace viper::core {

/// The versions of a table that its log can tell and whose files are all there, the oldest first.
Result<std::vector<TableVersion>> ListVersions(const CollectionContext& context,
                                               storage::TableLog& log);

/// NotFound, with the message of `status` and which versions are kept.
Status WithKeptVersions(const Status& status, const CollectionContext& context,
                        storage::TableLog& log);

}  // namespace viper::core
