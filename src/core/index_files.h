#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/collection_context.h"
#include "core/collection_index.h"
#include "viper/result.h"

namespace viper::core {

/// Map a segment's file. Corruption names it, but for damage of clusters, which is seen later.
Result<std::shared_ptr<OpenSegment>> OpenSegmentFile(FileSystem& files, const std::string& path,
                                                     const index::Model& model);

/// Load the index files in a collection's directory: the newest model that is whole, and the
/// segments under it. What is damaged or of another model is left out, and named in `rejected` with
/// the reason. Null if there is no model.
std::shared_ptr<const IndexFiles> LoadIndex(const CollectionContext& context,
                                            std::vector<std::string>& rejected);

/// Remove what lies in the directory of the index and is not used. Readers keep what they have
/// mapped. Best effort: the next build tries again.
void RemoveUnusedIndexFiles(const CollectionContext& context, const IndexFiles& used);

}  // namespace viper::core
