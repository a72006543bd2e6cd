#pragma once

#include <cstdint>
#include <vector>

#include "core/read_view.h"
#include "viper/options.h"
#include "viper/record.h"
#include "viper/result.h"

namespace viper::core {

/// Collection::Sample, on one view.
Result<std::vector<Record>> SampleRows(const ReadView& view, int64_t now, uint64_t row_count,
                                       uint64_t seed, const Projection& projection);

}  // namespace viper::core
