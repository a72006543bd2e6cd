#pragma once

#include "core/collection_context.h"
#include "viper/inspect.h"

namespace viper::core {

/// Engine::Inspect. `context` comes without schema and read context.
Result<CollectionInspection> InspectCollection(const CollectionContext& context);

}  // namespace viper::core
