#pragma once

#include "viper/engine.h"

namespace viper::cli {

/// Bring the index of a collection up to its table, with a progress line, and say on standard
/// output what was done; nothing if there was nothing to do. An interrupt stops it: Cancelled.
Status BuildIndexShown(Collection& collection);

}  // namespace viper::cli
