#pragma once

#include "core/read_view.h"
#include "viper/snapshot.h"

namespace viper::core {

/// Snapshot::Scroll over a view.
Result<ScrollPage> Scroll(const ReadView& view, const ScrollOptions& options, int64_t now);

}  // namespace viper::core
