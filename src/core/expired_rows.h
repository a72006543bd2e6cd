#pragma once

#include <cstdint>
#include <memory>

#include "base/bitmap.h"
#include "core/read_view.h"
#include "viper/maintenance.h"
#include "viper/result.h"

namespace viper::core {

/// The rows of a part that have expired and that the table does not know to be dead; null for none.
/// Reads nothing where the part's statistics tell.
Result<std::shared_ptr<const Bitmap>> NewlyExpired(const PartView& view, int64_t now);

/// Collection::ReportExpiry, on one view.
Result<ExpiryReport> ReportExpiry(const ReadView& view, int64_t now);

}  // namespace viper::core
