#pragma once

#include "core/read_view.h"
#include "viper/options.h"
#include "viper/record.h"

namespace viper::core {

/// OK, or InvalidArgument for a projection that names a key neither declared nor in use.
Status CheckProjection(const ReadView& view, const Projection& projection);

/// The record at a location, as far as the projection asks; the id always.
/// The metadata of a row, as far as the projection asks.
Result<Metadata> ReadMetadata(const ReadView& view, const Location& location,
                              const Projection& projection);

Result<Record> ReadRecord(const ReadView& view, const Location& location,
                          const Projection& projection);

}  // namespace viper::core
