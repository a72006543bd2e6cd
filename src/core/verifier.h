#pragma once

#include "core/collection_context.h"
#include "viper/verify.h"

namespace viper::core {

/// Engine::Verify. `context` comes without schema and read context.
Result<VerifyReport> VerifyCollection(const CollectionContext& context,
                                      const VerifyOptions& options);

}  // namespace viper::core
