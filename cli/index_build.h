#pragma once

#include "viper/engine.h"

namespace viper::cli {

/// Bring the index of a collection up to its table, with a progress line, and say on standard
/// output what was done; nothing if there was nothing to do. An interrupt stops it: Cancelled.
Status BuildIndexShown(Collection& collection);

/// After a compaction: what was merged is in the index again, if there is one, as nobody is there
/// to do it in the background. Told as BuildIndexShown does, or not.
Status BringIndexUp(Collection& collection, bool is_told);

}  // namespace viper::cli
