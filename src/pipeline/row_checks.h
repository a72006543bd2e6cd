#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "viper/status.h"

namespace viper::pipeline {

/// The float nearest to `value`, or nullopt if that is none: NaN, infinite, beyond the range of
/// float.
std::optional<float> NarrowToFloat(double value);

/// OK, or InvalidArgument naming the first component that is NaN or infinite.
Status CheckFinite(std::span<const float> vector);
/// The same for many rows of `dim` components, row-major, naming the row too: the first is
/// `first_row`, counted from 0; messages count from 1.
Status CheckRowsFinite(std::span<const float> vectors, size_t dim, uint64_t first_row);
/// OK, or InvalidArgument if `dim` is not 1 to kDimMax.
Status CheckDim(uint64_t dim);
/// OK, or InvalidArgument for an empty or too long id.
Status CheckId(std::string_view id);

/// The error of a Skip that asks for more rows than there are.
Status SkippedTooFar(std::string_view file, uint64_t wanted, uint64_t skipped);

}  // namespace viper::pipeline
