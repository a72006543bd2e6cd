#pragma once

#include "core/collection_context.h"
#include "viper/verify.h"

namespace viper::core {

/// Engine::Repair. `context` comes without schema and read context.
Result<RepairReport> RepairCollection(const CollectionContext& context,
                                      const RepairOptions& options);

}  // namespace viper::core
