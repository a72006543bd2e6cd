#pragma once

#include "core/read_view.h"
#include "core/view_selection.h"
#include "viper/snapshot.h"

namespace viper::core {

/// Snapshot::Scroll over the selected rows of a view.
Result<ScrollPage> Scroll(const ReadView& view, const ViewSelection& selection,
                          const ScrollOptions& options);
/// InvalidArgument if a scroll asks for what cannot be.
Status CheckScroll(const ReadView& view, const ScrollOptions& options);

}  // namespace viper::core
